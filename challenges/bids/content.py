"""What a bid says, apart from the rows that hold it, and the one way in which it is written down to be hashed."""

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

TEXTS = ("technical_plan", "ability", "team", "timeline", "contact_name", "contact_phone")
# Written into every canonical content; another version is another way of writing it down. Contents of version 1 have
# neither steps nor people nor statements nor amounts by year; they open and verify as they were handed in.
FIRST_VERSION = 1
CANONICAL_VERSION = 2


@dataclass(frozen=True)
class Part:
    """One member's part as typed. `years` are amounts in 万元 by year of the project, the first year first."""

    organization_id: uuid.UUID
    role_text: str = ""
    requirement_ids: tuple[str, ...] = ()
    budget_wan: Decimal = Decimal(0)
    years: tuple[Decimal, ...] = ()


@dataclass(frozen=True)
class Step:
    """One stage of the time line; months count from the start of the project, 1 is the first. None: not typed yet."""

    name: str = ""
    from_month: int | None = None
    to_month: int | None = None
    deliverable: str = ""


@dataclass(frozen=True)
class TeamMember:
    name: str = ""
    title: str = ""
    role: str = ""
    person_months: Decimal | None = None


@dataclass(frozen=True)
class Statement:
    """A declaration that the program asks for, as it was worded when it was accepted, and when (ISO 8601)."""

    text: str
    at: str


@dataclass(frozen=True)
class BidContent:
    """The bid's texts as typed, and every member's part.

    `nonce` makes the hash of a bid tell nothing of a content that could be guessed. `unparsed` is what a draft holds
    and nobody can read, by form field (see forms.py): kept while drafting, never handed in, never hashed.
    """

    technical_plan: str = ""
    ability: str = ""
    team: str = ""
    timeline: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    parts: tuple[Part, ...] = field(default_factory=tuple)
    steps: tuple[Step, ...] = ()
    people: tuple[TeamMember, ...] = ()
    statements: tuple[Statement, ...] = ()
    unparsed: Mapping[str, str] = field(default_factory=dict)
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    version: int = CANONICAL_VERSION

    def part(self, organization_id: uuid.UUID) -> Part:
        return next(
            (part for part in self.parts if part.organization_id == organization_id), Part(organization_id)
        )

    def as_json(self) -> dict[str, Any]:
        """The content as the receipts' hashes are made of it, in the way of its version."""
        written = {
            **{name: getattr(self, name) for name in TEXTS},
            "nonce": self.nonce,
            "parts": [
                self._part_as_json(part)
                for part in sorted(self.parts, key=lambda part: str(part.organization_id))
            ],
        }
        if self.version == FIRST_VERSION:
            return written
        return {
            **written,
            "steps": steps_as_json(self.steps),
            "people": people_as_json(self.people),
            "statements": statements_as_json(self.statements),
        }

    def _part_as_json(self, part: Part) -> dict[str, Any]:
        written: dict[str, Any] = {
            "organization_id": str(part.organization_id),
            "role_text": part.role_text,
            "requirement_ids": sorted(part.requirement_ids),
            "budget_wan": f"{part.budget_wan:.2f}",
        }
        return written if self.version == FIRST_VERSION else {**written, "years": years_as_json(part.years)}

    def to_seal(self) -> dict[str, Any]:
        """Everything that a draft holds, its version and what cannot be read included."""
        return {**self.as_json(), "version": self.version, "unparsed": dict(self.unparsed)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "BidContent":
        return cls(
            **{name: data[name] for name in TEXTS},
            nonce=data["nonce"],
            version=data.get("version", FIRST_VERSION),
            unparsed=data.get("unparsed", {}),
            steps=steps_from_json(data.get("steps", ())),
            people=people_from_json(data.get("people", ())),
            statements=statements_from_json(data.get("statements", ())),
            parts=tuple(
                Part(
                    organization_id=uuid.UUID(part["organization_id"]),
                    role_text=part["role_text"],
                    requirement_ids=tuple(part["requirement_ids"]),
                    budget_wan=Decimal(part["budget_wan"]),
                    years=years_from_json(part.get("years", ())),
                )
                for part in data["parts"]
            ),
        )


def years_as_json(years: Sequence[Decimal]) -> list[str]:
    return [f"{amount:.2f}" for amount in years]


def years_from_json(written: Sequence[str]) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in written)


def steps_as_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "name": step.name,
            "from_month": step.from_month,
            "to_month": step.to_month,
            "deliverable": step.deliverable,
        }
        for step in steps
    ]


def steps_from_json(written: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    return tuple(
        Step(item["name"], item["from_month"], item["to_month"], item["deliverable"]) for item in written
    )


def people_as_json(people: Sequence[TeamMember]) -> list[dict[str, Any]]:
    return [
        {
            "name": person.name,
            "title": person.title,
            "role": person.role,
            "person_months": None if person.person_months is None else f"{person.person_months:.1f}",
        }
        for person in people
    ]


def people_from_json(written: Sequence[Mapping[str, Any]]) -> tuple[TeamMember, ...]:
    return tuple(
        TeamMember(
            item["name"],
            item["title"],
            item["role"],
            None if item["person_months"] is None else Decimal(item["person_months"]),
        )
        for item in written
    )


def statements_as_json(statements: Sequence[Statement]) -> list[dict[str, str]]:
    return [{"text": item.text, "at": item.at} for item in statements]


def statements_from_json(written: Sequence[Mapping[str, str]]) -> tuple[Statement, ...]:
    return tuple(Statement(item["text"], item["at"]) for item in written)


@dataclass(frozen=True)
class FileFacts:
    name: str
    size_bytes: int
    sha256: str


def canonical(
    bid_id: uuid.UUID,
    challenge_id: uuid.UUID,
    lead_id: uuid.UUID,
    content: BidContent,
    files: Sequence[FileFacts],
) -> bytes:
    """A bid as bytes, always the same for the same bid: JSON with sorted keys, no spaces, in UTF-8.

    Its SHA-256 stands in every receipt.
    """
    data = {
        "version": content.version,
        "bid": str(bid_id),
        "challenge": str(challenge_id),
        "lead": str(lead_id),
        **content.as_json(),
        "files": [
            {"name": item.name, "size_bytes": item.size_bytes, "sha256": item.sha256}
            for item in sorted(files, key=lambda item: (item.sha256, item.name))
        ],
    }
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_hash(written: bytes) -> str:
    return hashlib.sha256(written).hexdigest()
