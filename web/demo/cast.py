"""People, organizations, programs and challenges of the demonstration, written straight to an empty database."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import SOLVERS, terms_of_text
from challenges.models import Challenge, Program
from core.accounts.models import Person
from core.accounts.service import create_person
from core.actor import Actor
from core.clock import utc_now
from core.revisions import next_revision
from solvers.models import (
    CapabilityProfile,
    Certificate,
    CertificateKind,
    ControlKind,
    ControlRelation,
    EvidenceItem,
    EvidenceKind,
    Membership,
    MembershipRole,
    Organization,
    OrganizationKind,
    Verification,
    Visibility,
)
from solvers.profiles.texts import evidence_text, profile_text
from solvers.size import classify
from web.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from web.demo.credit_codes import credit_code

DATA = Path(__file__).parent / "data"


@dataclass
class Demo:
    """What has been loaded so far, by the keys of the data files."""

    session: AsyncSession
    people: dict[str, Person] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    challenges: dict[str, Challenge] = field(default_factory=dict)
    owners: dict[str, Person] = field(default_factory=dict)
    posters: dict[str, str] = field(default_factory=dict)

    def poster_of(self, challenge_key: str) -> Actor:
        """The owner of the organization that posted a challenge."""
        return self.owner_of(self.posters[challenge_key])

    def owner_of(self, key: str) -> Actor:
        """The owner of an organization, acting for it."""
        person, organization = self.owners[key], self.organizations[key]
        return Actor(
            person_id=person.id,
            name=person.name,
            email=person.email,
            organization_id=organization.id,
            organization_name=organization.name,
            organization_role=MembershipRole.OWNER.value,
            organization_verified=True,
        )

    @property
    def institute_key(self) -> str:
        """The organization that the demo's institute account owns."""
        return next(
            account.organization_key
            for account in DEMO_ACCOUNTS
            if account.organization_key is not None and account.email.startswith("institute@")
        )


def read(name: str) -> list[dict[str, Any]]:
    """All rows of `name`_*.jsonl in the order of the files."""
    rows: list[dict[str, Any]] = []
    for path in sorted(DATA.glob(f"{name}_*.jsonl")):
        rows.extend(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line)
    return rows


async def load_cast(demo: Demo) -> None:
    """People and organizations with their profiles."""
    await _load_people(demo)
    solvers, posters = read("solvers"), read("posters")
    rows = [*posters, *solvers]
    for number, row in enumerate(rows, start=1):
        _add_organization(demo, number, row)
    await demo.session.flush()
    for row in rows:
        _add_relations(demo, row)
    await _add_profiles(demo, rows)
    await _add_memberships(demo, posters, solvers)


async def _load_people(demo: Demo) -> None:
    for account in DEMO_ACCOUNTS:
        demo.people[account.email] = await create_person(
            demo.session,
            email=account.email,
            name=account.name,
            password=DEMO_PASSWORD,
            roles=account.platform_roles,
        )


# These wait for the administrator.
PENDING = frozenset({"s-0101-003", "s-0604-008", "s-0704-002"})


def _add_organization(demo: Demo, number: int, row: dict[str, Any]) -> None:
    kind = OrganizationKind(row["kind"])
    verification = Verification.PENDING if row["key"] in PENDING else Verification.VERIFIED
    organization = Organization(
        name=row["name"],
        credit_code=credit_code(kind, row["region"], number),
        kind=kind,
        region_code=row["region"],
        legal_representative=row.get("legal_representative") or "",
        verification=verification,
        submitted_at=utc_now() - timedelta(days=number % 9, hours=number % 7),
        verified_at=utc_now() if verification is Verification.VERIFIED else None,
        certificates=[
            Certificate(
                kind=CertificateKind(item["kind"]),
                number=item["number"],
                valid_from=date.fromisoformat(item["valid_from"]),
                valid_until=date.fromisoformat(item["valid_until"]),
            )
            for item in row["certificates"]
        ],
    )
    if kind is OrganizationKind.ENTERPRISE:
        organization.industry_code = row["industry"]
        organization.employees = row["employees"]
        organization.revenue_wan = Decimal(row["revenue_wan"])
        organization.assets_wan = Decimal(row["assets_wan"])
        organization.size_class = classify(
            row["industry"], organization.employees, organization.revenue_wan, organization.assets_wan
        ).size
    demo.organizations[row["key"]] = organization
    demo.session.add(organization)


def _add_relations(demo: Demo, row: dict[str, Any]) -> None:
    for relation in row["controlled_by"]:
        demo.session.add(
            ControlRelation(
                organization_id=demo.organizations[row["key"]].id,
                controller_id=demo.organizations[relation["key"]].id,
                kind=ControlKind(relation["relation"]),
            )
        )


async def _add_profiles(demo: Demo, rows: list[dict[str, Any]]) -> None:
    profiles = [
        CapabilityProfile(
            organization_id=demo.organizations[row["key"]].id,
            summary=row["summary"],
            keywords=sorted({word for item in row["evidence"] for word in item["keywords"]})[:12],
            subfield_codes=row["subfields"],
            visibility=Visibility(row["visibility"]),
            evidence=[
                EvidenceItem(
                    kind=EvidenceKind(item["kind"]),
                    title=item["title"],
                    text=item["text"],
                    year=item["year"],
                    keywords=item["keywords"],
                )
                for item in row["evidence"]
            ],
        )
        for row in rows
    ]

    def tokenize() -> None:
        for profile in profiles:
            profile.tokens = terms_of_text(profile_text(profile.summary, profile.team, profile.keywords))
            profile.tokenizer = terms_of_text.fingerprint
            for item in profile.evidence:
                item.tokens = terms_of_text(evidence_text(item.title, item.text, item.keywords))
                item.tokenizer = terms_of_text.fingerprint

    await asyncio.to_thread(tokenize)
    revision = await next_revision(demo.session, SOLVERS)
    for profile in profiles:
        profile.index_revision = revision
    demo.session.add_all(profiles)
    await demo.session.flush()


async def _add_memberships(demo: Demo, posters: list[dict[str, Any]], solvers: list[dict[str, Any]]) -> None:
    """The named accounts own the organization they are for; every other organization has an owner of its own."""
    owned: dict[str, Person] = {}
    for account in DEMO_ACCOUNTS:
        if account.organization_key is not None:
            owned[account.organization_key] = demo.people[account.email]
    password_hash = demo.people[DEMO_ACCOUNTS[0].email].password_hash
    for number, row in enumerate([*posters, *solvers], start=1):
        person = owned.get(row["key"])
        if person is None:
            surname = row.get("legal_representative") or row["name"]
            person = Person(
                # Not where the reviewer has an account: one mail domain would be a conflict of interest.
                email=f"contact{number:03d}@units.example",
                name=f"{surname[0]}经理",
                password_hash=password_hash,
            )
        demo.session.add(person)
        demo.owners[row["key"]] = person
        await demo.session.flush()
        demo.session.add(
            Membership(
                organization_id=demo.organizations[row["key"]].id,
                person_id=person.id,
                role=MembershipRole.OWNER,
            )
        )
