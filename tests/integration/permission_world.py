"""The people, organizations and things that the permission matrix is about, in one database."""

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from challenges.consortia.composition import quota_of
from challenges.consortia.freezing import frozen_inputs, frozen_quota
from challenges.consortia.queries import consortium_by_id
from challenges.consortia.standing import standing_of
from challenges.models import (
    AllocationRun,
    AllocationState,
    AppliesTo,
    Bid,
    BidMember,
    BidMemberState,
    BidReceipt,
    BidState,
    CalendarFeed,
    Challenge,
    ChallengeState,
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    Decision,
    InvitedSolver,
    Match,
    MatchRun,
    MatchRunState,
    Outcome,
    QuotaRecheck,
    ReceiptAct,
    Waiver,
)
from challenges.postings.queries import challenge_by_id
from core.accounts.models import PasswordReset, Person, PlatformRole
from core.accounts.service import open_login
from core.actor import SYSTEM
from core.attachments import Attachment, store_attachment
from core.clock import utc_now
from core.mail import MailMessage
from core.notifications.models import Delivery, Notification
from core.settings import Settings
from solvers.models import (
    Certificate,
    CertificateKind,
    ControlKind,
    ControlRelation,
    EvidenceItem,
    EvidenceKind,
    Invitation,
    MembershipRole,
    Organization,
    OrganizationKind,
    SizeClass,
    Verification,
    Visibility,
)
from solvers.organizations.events import VERIFIED
from tests.factories import Factory
from tests.integration.permission_rooms import contracts, notices, uploads
from tests.integration.permission_rooms.checks import add_check
from tests.integration.permission_rooms.officer import add_officer_work
from tests.integration.permission_rooms.questions_and_changes import add_questions_and_changes
from tests.integration.permission_rooms.reviews import add_review

# Column of the matrix -> who that is.
ACTORS = {
    "anon": "nobody who is logged in",
    "person": "a person without an organization",
    "viewer": "of the poster",
    "editor": "of the poster",
    "owner": "of the poster",
    "bidder": "owner of an SME that has bid, and is invited to the restricted challenge",
    "partner": "owner of an institute that the bidder has named as a partner and that has not answered",
    "rival": "owner of another SME",
    "unver": "editor of an organization that is not verified",
    "officer": "of the program",
    "other": "officer of another program",
    "admin": "administrator",
    "review": "reviewer",
}
RESET_TOKEN, INVITATION_TOKEN, CALENDAR_TOKEN = "reset-token", "invitation-token", "calendar-token"


# Rooms that add what hangs on a scene's challenge, in the order of the way of a challenge; each has a file of its own
# in permission_rooms/ and one in permission_matrix/.
AddRoom = Callable[["Builder", str, Challenge, dict[str, Any]], Awaitable[None]]
ROOMS: tuple[AddRoom, ...] = (
    add_questions_and_changes,
    uploads.add_upload,
    add_check,
    add_review,
    notices.add_notice,
    contracts.add_contracts,
    add_officer_work,
)
SCENES = (
    "draft",
    "submitted",
    "open",
    "restricted",
    "after",
    "asked",
    "declared",
    "proposed",
    "waiver",
    *notices.SCENES,
    *contracts.SCENES,
)
# Scenes whose bids two officers have opened; of these a consortium is handed in where it is not reviewed.
PROPOSED = frozenset({"proposed", "waiver"})
OPENED = PROPOSED | {"asked", "declared"}


@dataclass
class World:
    # Login tokens by column; the anonymous has none.
    tokens: dict[str, str] = field(default_factory=dict)
    # Placeholders of addresses that mean the same in every scene, e.g. organization_id.
    things: dict[str, Any] = field(default_factory=dict)
    # Scene -> its own challenge_id, bid_id, consortium_id and attachments.
    scenes: dict[str, dict[str, Any]] = field(default_factory=dict)


async def build_world(make: Factory, settings: Settings) -> World:
    return await Builder(make, settings).build()


class Builder:
    def __init__(self, make: Factory, settings: Settings) -> None:
        self.make = make
        self.settings = settings
        self.world = World()

    async def build(self) -> World:
        make, world = self.make, self.world
        officer, other = await make.officer(), await make.officer()
        self.officer = officer
        # With a share of members, or there would be no shortlist to ask for.
        self.program = await make.program(
            officer, rule={"min_sme_budget_share": Decimal("0.3"), "min_sme_member_share": Decimal("0.5")}
        )
        self.requester = await make.officer()
        self.strict = await make.program(
            officer, self.requester, rule={"min_sme_members": 2, "applies_to": AppliesTo.ALL}
        )
        await make.program(other)
        self.poster = await make.organization(size=SizeClass.LARGE)
        self.bidder, self.rival = await make.organization(), await make.organization()
        self.partner = await make.organization(size=None, kind=OrganizationKind.RESEARCH_INSTITUTE)
        unverified = await make.organization(verification=Verification.DRAFT, verified_at=None)
        bidder = await make.member(self.bidder)
        people: dict[str, tuple[Person, Organization | None]] = {
            "person": (await make.person(), None),
            "viewer": (await make.member(self.poster, MembershipRole.VIEWER), self.poster),
            "editor": (await make.member(self.poster, MembershipRole.EDITOR), self.poster),
            "owner": (await make.member(self.poster), self.poster),
            "bidder": (bidder, self.bidder),
            "partner": (await make.member(self.partner), self.partner),
            "rival": (await make.member(self.rival), self.rival),
            "unver": (await make.member(unverified, MembershipRole.EDITOR), unverified),
            "officer": (officer, None),
            "other": (other, None),
            "admin": (await make.administrator(), None),
            "review": (await make.person(PlatformRole.REVIEWER), None),
        }
        self.people = {column: person for column, (person, _organization) in people.items()}
        for column, (person, organization) in people.items():
            world.tokens[column] = await self._login(person, organization)
        await self._add_things(bidder, unverified)
        for scene in SCENES:
            # A row that was read anew in an earlier scene has lost what hung on it.
            for program in (self.program, self.strict):
                await make.session.refresh(program, ["rounds", "rules"])
            challenge, things = await self._scene(scene)
            world.scenes[scene] = things
            for add in ROOMS:
                await add(self, scene, challenge, things)
        await make.session.commit()
        return world

    async def _login(self, person: Person, organization: Organization | None) -> str:
        return await open_login(
            self.make.session,
            self.settings,
            person,
            organization_id=organization.id if organization else None,
            address="127.0.0.1",
            user_agent="tests",
        )

    async def _add_things(self, bidder: Person, unverified: Organization) -> None:
        """What belongs to the bidder's organization, and what is nobody's."""
        make, session = self.make, self.make.session
        colleague = await make.member(self.bidder, MembershipRole.EDITOR)
        profile = await make.profile(self.bidder, "真空铸造与检测。", visibility=Visibility.PUBLIC)
        hidden = await make.profile(self.rival, "只供匹配使用的内容。", visibility=Visibility.MATCHER)
        evidence = EvidenceItem(kind=EvidenceKind.PATENT, title="一种真空铸造方法", profile_id=profile.id)
        certificate = Certificate(
            organization_id=self.bidder.id,
            kind=CertificateKind.HIGH_TECH,
            number="GR202633000001",
            valid_from=date(2026, 1, 1),
            valid_until=date(2028, 12, 31),
        )
        relation = ControlRelation(
            organization_id=self.bidder.id,
            controller_name="某集团有限公司",
            controller_size=SizeClass.MEDIUM,
            kind=ControlKind.CONTROL,
        )
        invitation = Invitation(
            organization_id=self.bidder.id,
            email="invited@example.com",
            role=MembershipRole.EDITOR,
            token_hash=hashlib.sha256(INVITATION_TOKEN.encode()).digest(),
            invited_by_id=bidder.id,
            expires_at=utc_now() + timedelta(days=7),
        )
        reset = PasswordReset(
            token_hash=hashlib.sha256(RESET_TOKEN.encode()).digest(),
            person_id=colleague.id,
            expires_at=utc_now() + timedelta(hours=1),
        )
        allocation = AllocationRun(
            program_id=self.program.id,
            state=AllocationState.DONE,
            question={"demands": {}, "minimum": 0, "maximum": 1, "groups": [], "pairs": [], "loads": []},
            inputs={
                "challenges": [
                    {"id": str(uuid.uuid4()), "title": "某榜单", "run_id": "", "scores": [[0, 0.5]]}
                ],
                "solvers": [
                    {
                        "id": str(self.bidder.id),
                        "name": self.bidder.name,
                        "kind": "enterprise",
                        "size": "small",
                        "counted": True,
                    }
                ],
            },
            result={"status": "optimal", "objective": 0.5, "bound": 0.5, "assignment": [[0]], "conflict": []},
        )
        calendar = CalendarFeed(
            # Whoever holds the address reads what its owner may: here nobody who is told of anything restricted.
            person_id=(await make.person()).id,
            token_hash=hashlib.sha256(CALENDAR_TOKEN.encode()).digest(),
        )
        session.add_all([evidence, certificate, relation, invitation, reset, allocation, calendar])
        await session.flush()
        document = await self.attachment("organization", self.bidder.id)
        self.world.things = {
            "organization_id": self.bidder.id,
            "unverified": unverified.id,
            "hidden": hidden.organization_id,
            "person_id": colleague.id,
            "membership_id": await self._membership_of(colleague),
            "evidence_id": evidence.id,
            "certificate_id": certificate.id,
            "relation_id": relation.id,
            "invitation_id": invitation.id,
            "program_id": self.program.id,
            "round_id": self.program.rounds[0].id,
            "run_id": allocation.id,
            "document": document.id,
            "invitation_token": INVITATION_TOKEN,
            "reset_token": RESET_TOKEN,
            **{name: mail.id for name, mail in (await self._mails()).items()},
            "calendar": f"{CALENDAR_TOKEN}.ics",
            "notification_id": (await self._notification(bidder)).id,
            "locale": "en",
            "table": "months",
            "file_path": "icon.svg",
            "rest": "no/such/page",
        }

    async def _mails(self) -> dict[str, MailMessage]:
        mails = {
            "sent": MailMessage(recipient="a@example.com", subject="", body="", sent_at=utc_now()),
            "given_up": MailMessage(recipient="b@example.com", subject="", body="", given_up_at=utc_now()),
        }
        self.make.session.add_all(mails.values())
        await self.make.session.flush()
        return mails

    async def _notification(self, person: Person) -> Notification:
        notification = Notification(
            event_key="event",
            person_id=person.id,
            kind=VERIFIED.name,
            subject_type="organization",
            subject_id=self.bidder.id,
            parameters={"organization": self.bidder.name, "organization_id": str(self.bidder.id)},
            delivery=Delivery.NEVER,
        )
        self.make.session.add(notification)
        await self.make.session.flush()
        return notification

    async def _membership_of(self, person: Person) -> uuid.UUID:
        from sqlalchemy import select

        from solvers.models import Membership

        found = await self.make.session.scalar(select(Membership.id).where(Membership.person_id == person.id))
        assert found is not None
        return found

    async def attachment(self, subject_type: str, subject_id: uuid.UUID) -> Attachment:
        return await store_attachment(
            self.make.session,
            self.settings,
            SYSTEM,
            subject_type=subject_type,
            subject_id=subject_id,
            name="附件.pdf",
            content=b"%PDF-1.7 " + subject_type.encode(),
        )

    async def _scene(self, scene: str) -> tuple[Challenge, dict[str, Any]]:
        """A challenge of its own in the state that the scene is named after, with what hangs on it."""
        states = {
            "draft": ChallengeState.DRAFT,
            "submitted": ChallengeState.SUBMITTED,
            "proposed": ChallengeState.MATCH_PROPOSED,
            "waiver": ChallengeState.MATCH_PROPOSED,
            **notices.STATES,
            **contracts.STATES,
            "asked": ChallengeState.IN_REVIEW,
            "declared": ChallengeState.IN_REVIEW,
        }
        state = states.get(scene, ChallengeState.PUBLISHED)
        now = utc_now()
        challenge = await self.make.challenge(
            self.poster,
            self.strict if scene == "waiver" else self.program,
            state=state,
            is_public=scene not in {"restricted", "secret_notice"},
            # Also of one that is past: the job that closes it has not run yet.
            deadline_at=now - timedelta(minutes=1)
            if scene == "after" or scene in OPENED or scene in {*notices.SCENES, *contracts.SCENES}
            else now + timedelta(days=30),
            submitted_at=None if scene == "draft" else now - timedelta(days=5),
        )
        session = self.make.session
        session.add(InvitedSolver(challenge_id=challenge.id, organization_id=self.bidder.id))
        ids: dict[str, Any] = {
            "challenge_id": challenge.id,
            "challenge_file": (await self.attachment("challenge", challenge.id)).id,
            # Any candidate; the bidder ranks first.
            "candidate": self.bidder.id,
        }
        if state in {ChallengeState.DRAFT, ChallengeState.SUBMITTED}:
            return challenge, ids
        bid = await self._bid(challenge)
        run = MatchRun(
            challenge_id=challenge.id, state=MatchRunState.DONE, progress=100, started_at=now, finished_at=now
        )
        session.add(run)
        await session.flush()
        for rank, organization in enumerate((self.bidder, self.rival, self.partner), start=1):
            session.add(
                Match(
                    run_id=run.id,
                    organization_id=organization.id,
                    rank=rank,
                    score=0.5 / rank,
                    requirement_scores={},
                    terms=[],
                    evidence=[],
                )
            )
        receipt = BidReceipt(
            bid_id=bid.id,
            challenge_id=challenge.id,
            act=ReceiptAct.SUBMITTED,
            content_sha256="ab" * 32,
            at=challenge.published_at or now,
        )
        session.add(receipt)
        await session.flush()
        # Until officers open them, bids stay sealed after the deadline, too.
        if scene in OPENED:
            await self.make.opened(challenge)
        consortium = await self._consortium(challenge, run, submitted=scene in PROPOSED)
        if scene == "waiver":
            ids["waiver_id"] = (await self._waiver(consortium)).id
        if scene == "proposed":
            ids["decision_id"] = (await self._decision(challenge, consortium, run)).id
            recheck = QuotaRecheck(consortium_id=consortium.id, found_at=now, holds=False)
            session.add(recheck)
            await session.flush()
            ids["recheck_id"] = recheck.id
        return challenge, {
            **ids,
            "bid_id": bid.id,
            "bid_file": (await self.attachment("bid", bid.id)).id,
            "receipt_id": receipt.id,
            "named": self.partner.id,
            "consortium_id": consortium.id,
        }

    async def _bid(self, challenge: Challenge) -> Bid:
        requirements = [str(item.id) for item in challenge.requirements]
        bid = Bid(
            challenge_id=challenge.id,
            organization_id=self.bidder.id,
            state=BidState.SUBMITTED,
            technical_plan="采用籽晶法定向凝固。",
            team="十五人",
            ability="专利十二项",
            timeline="十八个月",
            submitted_at=utc_now(),
            members=[
                BidMember(
                    organization_id=self.bidder.id,
                    position=0,
                    state=BidMemberState.CONFIRMED,
                    requirement_ids=requirements,
                    budget_wan=Decimal(600),
                ),
                BidMember(
                    organization_id=self.partner.id, position=1, requirement_ids=[], budget_wan=Decimal(0)
                ),
            ],
        )
        self.make.session.add(bid)
        await self.make.session.flush()
        return bid

    async def _consortium(self, challenge: Challenge, run: MatchRun, *, submitted: bool) -> Consortium:
        consortium = Consortium(
            challenge_id=challenge.id,
            state=ConsortiumState.SUBMITTED if submitted else ConsortiumState.PROPOSED,
            lead_id=self.rival.id,
            rule_id=(self.strict if challenge.program_id == self.strict.id else self.program).rules[0].id,
            run_id=run.id,
            submitted_at=utc_now() if submitted else None,
            members=[
                ConsortiumMember(
                    organization_id=self.rival.id,
                    position=0,
                    kind=self.rival.kind,
                    size_class=self.rival.size_class,
                    counted_sme=True,
                    budget_wan=Decimal(600),
                    requirement_ids=[str(item.id) for item in challenge.requirements],
                )
            ],
        )
        self.make.session.add(consortium)
        await self.make.session.flush()
        return consortium

    async def _waiver(self, consortium: Consortium) -> Waiver:
        """Asked for by another officer of the program; it has one SME where two are needed."""
        waiver = Waiver(
            consortium_id=consortium.id,
            consortium_revision=1,
            parts=["min_sme_members"],
            reason="国内仅此一家",
            requested_by_id=self.requester.id,
            requested_at=utc_now(),
        )
        self.make.session.add(waiver)
        await self.make.session.flush()
        return waiver

    async def _decision(self, challenge: Challenge, consortium: Consortium, run: MatchRun) -> Decision:
        """An earlier one: the consortium was returned, and submitted again."""
        session = self.make.session
        # Locked means read anew, with everything that hangs on them.
        present = await challenge_by_id(session, challenge.id, lock=True)
        stored = await consortium_by_id(session, consortium.id, lock=True)
        assert present is not None
        assert stored is not None
        decision = Decision(
            consortium_id=stored.id,
            outcome=Outcome.RETURNED,
            reason="请补充检测指标",
            officer_id=self.officer.id,
            rule_id=stored.rule_id,
            decided_at=utc_now(),
            inputs=frozen_inputs(await standing_of(session, present, stored), run),
            quota=frozen_quota(quota_of(stored)),
        )
        session.add(decision)
        await session.flush()
        return decision
