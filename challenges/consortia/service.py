"""Use cases of a poster preparing a consortium: propose, change by hand, take over a bid, submit.

Whoever changes a consortium locks its challenge first, so that two editors, or an editor and an officer, take turns.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import policies as bid_policies
from challenges.bids import queries as bid_queries
from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.checks.queries import admitted_bids
from challenges.consortia import events, policies, queries
from challenges.consortia.composition import Prospects, broken_parts, compose, structural_shortcomings
from challenges.consortia.jobs import solve_consortium
from challenges.consortia.models import Consortium, ConsortiumState
from challenges.consortia.prospects import prospects_of, rule_of
from challenges.consortia.states import MACHINE
from challenges.consortia.wording import part_text
from challenges.matches import queries as match_queries
from challenges.matches import service as matches
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.states import move
from challenges.programs.models import QuotaRule
from core import audit, states
from core.actor import SYSTEM, Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.jobs import enqueue
from core.notifications.service import notify
from matching.quota import QuotaPart

CHANGED_MEANWHILE = _(
    "Somebody else has changed this consortium meanwhile. Reload the page and change it again."
)


@dataclass(frozen=True)
class Standing:
    """A consortium beside the present: the rule in force, organizations as they are now, and what stands in the way.

    A waiver can excuse the `broken` parts of the quota, never what is `structural`.
    """

    challenge: Challenge
    consortium: Consortium | None
    rule: QuotaRule | None
    prospects: Prospects
    structural: list[str]
    broken: tuple[QuotaPart, ...]

    @property
    def shortcomings(self) -> list[str]:
        return [*self.structural, *(part_text(part) for part in self.broken)]


async def read_standing(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Standing:
    """What the consortium page of a challenge shows: for the poster and the program's officers."""
    challenge = await matches.read_candidates_challenge(session, actor, challenge_id)
    consortium = await queries.shown_consortium(session, challenge.id)
    if consortium is not None and not policies.may_see_consortium(actor, challenge, consortium):
        consortium = None
    return await standing_of(session, challenge, consortium)


async def standing_of(session: AsyncSession, challenge: Challenge, consortium: Consortium | None) -> Standing:
    rule = await rule_of(session, challenge)
    prospects = await prospects_of(session, challenge, consortium)
    if consortium is None:
        return Standing(challenge, None, rule, prospects, [], ())
    structural = structural_shortcomings(consortium, challenge, rule, prospects)
    return Standing(challenge, consortium, rule, prospects, structural, broken_parts(consortium, rule))


async def propose_consortium(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Consortium:
    """Ask the solver for the best consortium that the rule allows, from the newest ranking.

    The answer is written by a job; until then the computation's status is "solving". A sketch that the poster had is
    replaced by it.
    """
    challenge = await _lock_challenge(session, actor, challenge_id)
    run = await match_queries.newest_done_run(session, challenge_id)
    if run is None:
        raise ConflictError(_("Solvers have not been ranked yet: a consortium is chosen from the ranking."))
    consortium = await _on_the_workbench(session, challenge_id)
    if consortium is None:
        consortium = Consortium(challenge_id=challenge_id, revision=0, members=[], decisions=[], waivers=[])
        session.add(consortium)
    elif consortium.state not in policies.EDITABLE:
        raise ConflictError(_("The consortium has been submitted; it waits for the officer's decision."))
    rule = await rule_of(session, challenge)
    consortium.rule = rule
    consortium.run_id = run.id
    consortium.bid_id = None
    consortium.computation = {"status": "solving"}
    consortium.revision += 1
    await session.flush()
    await enqueue(session, solve_consortium, consortium.id, consortium.revision)
    await audit.record(session, actor, "consortium.proposal_asked", "consortium", consortium.id)
    return consortium


async def assign_requirements(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    holders: Mapping[str, uuid.UUID | None],
    lead_id: uuid.UUID | None,
) -> Consortium:
    """Say which member answers for each requirement, and who leads; members stay as they are."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "assigned",
        lambda draft: draft.assign({name: key for name, key in holders.items() if key is not None}, lead_id),
    )


async def add_member(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, revision: int, organization_id: uuid.UUID
) -> Consortium:
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "member_added",
        lambda draft: draft.add(organization_id),
        {"organization": str(organization_id)},
    )


async def remove_member(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, revision: int, organization_id: uuid.UUID
) -> Consortium:
    """Its requirements are left without anybody until they are assigned anew."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "member_removed",
        lambda draft: draft.remove(organization_id),
        {"organization": str(organization_id)},
    )


async def exchange_member(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    leaves: uuid.UUID,
    joins: uuid.UUID,
) -> Consortium:
    """One organization takes another's requirements, and the lead where the other had it."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "member_exchanged",
        lambda draft: draft.exchange(leaves, joins),
        {"leaves": str(leaves), "joins": str(joins)},
    )


async def take_alternative(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, revision: int, number: int
) -> Consortium:
    """Start again from one of the solver's consortia: 0 is the best, 1 the first alternative."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "alternative_taken",
        lambda draft: draft.take(number),
        {"number": number},
    )


async def take_what_if(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    holders: Mapping[str, uuid.UUID],
    lead_id: uuid.UUID,
) -> Consortium:
    """Take over the answer to a what-if question as it was shown."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "what_if_taken",
        lambda draft: draft.adopt(holders, lead_id),
        {"lead": str(lead_id), "members": sorted({str(key) for key in holders.values()})},
    )


async def refresh_consortium(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    consortium_id: uuid.UUID | None = None,
) -> Consortium:
    """Compute the same consortium again from the rule in force, and from sizes and control relations as they are now.

    Open to the poster while it is prepared, and to the officer once it is submitted. Of several teams `consortium_id`
    names the one that is meant.
    """
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    teams = await queries.live_teams(session, challenge_id, lock=True)
    open_teams = [item for item in teams if item.state in queries.OPEN and consortium_id in (None, item.id)]
    consortium = open_teams[0] if open_teams else None
    if consortium is None or not policies.may_see_consortium(actor, challenge, consortium):
        raise NotFoundError(_("There is no such consortium."))
    if not (
        policies.may_edit_consortium(actor, challenge, consortium)
        or (
            posting_policies.is_officer_in_charge(actor, challenge)
            and consortium.state is ConsortiumState.SUBMITTED
        )
    ):
        raise ForbiddenError(_("You may not take this step."))
    return await _rewrite(
        session, actor, challenge, consortium, revision, "computed_again", lambda draft: None
    )


async def consortium_from_bid(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> Consortium:
    """Take a submitted bid over as the consortium of its challenge: members, requirements and money as bid."""
    bid = await bid_queries.bid_by_id(session, bid_id)
    now = await bid_queries.database_time(session)
    if bid is None or bid.state is not BidState.SUBMITTED or not bid_policies.may_read_bid(actor, bid):
        raise NotFoundError(_("There is no such bid."))
    challenge = await _lock_challenge(session, actor, bid.challenge_id)
    if not posting_policies.is_bidding_over(challenge, now):
        raise ConflictError(_("Bids are still open."))
    if challenge.program is not None and challenge.program.needs_review:
        raise ConflictError(_("The bids of this program are reviewed: name the winners after the review."))
    if bid.id not in {item.id for item in await admitted_bids(session, challenge.id)}:
        raise ConflictError(_("This bid has not passed the formal check."))
    consortium = await _on_the_workbench(session, challenge.id)
    if consortium is None:
        consortium = Consortium(challenge_id=challenge.id, revision=0, members=[], decisions=[], waivers=[])
        session.add(consortium)
    elif consortium.state not in policies.EDITABLE:
        raise ConflictError(_("The consortium has been submitted; it waits for the officer's decision."))
    await take_over_bid(session, actor, challenge, consortium, bid)
    return consortium


async def take_over_bid(
    session: AsyncSession, actor: Actor, challenge: Challenge, consortium: Consortium, bid: Bid
) -> None:
    """Make a consortium what was bid; the challenge is locked, and whoever calls has asked the policies."""
    parts = confirmed_parts(bid)
    run = await match_queries.newest_done_run(session, challenge.id)
    prospects = await prospects_of(
        session, challenge, consortium, joining=[part.organization_id for part in parts]
    )
    consortium.bid_id = bid.id
    consortium.run_id = run.id if run is not None else None
    write_bid(consortium, challenge, await rule_of(session, challenge), prospects, bid)
    consortium.revision += 1
    await session.flush()
    await audit.record(
        session, actor, "consortium.taken_from_bid", "consortium", consortium.id, {"bid": str(bid.id)}
    )


def confirmed_parts(bid: Bid) -> list[BidMember]:
    return [part for part in bid.members if part.state is BidMemberState.CONFIRMED]


def write_bid(
    consortium: Consortium, challenge: Challenge, rule: QuotaRule | None, prospects: Prospects, bid: Bid
) -> None:
    """Members, requirements and money as bid; pure, so that a bid's quota can be shown before it is chosen."""
    parts = confirmed_parts(bid)
    consortium.computation = {"status": "from_bid"}
    compose(
        consortium,
        challenge,
        rule,
        prospects,
        members=[part.organization_id for part in parts],
        holders={name: part.organization_id for part in parts for name in part.requirement_ids},
        lead_id=bid.organization_id,
        money={part.organization_id: part.budget_wan for part in parts},
    )


async def submit_consortium(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    note: str = "",
    *,
    asks_waiver: bool = False,
) -> Consortium:
    """Hand the consortium to the officer. Refused while anything is broken, by what is true at this moment.

    With `asks_waiver` it may break parts of the quota, and `note` says why it should be approved all the same.
    """
    challenge = await _lock_challenge(session, actor, challenge_id)
    consortium = await _lock_open(session, challenge_id, revision)
    if not policies.may_submit(actor, challenge, consortium, await database_time(session)):
        raise ConflictError(_("A consortium is submitted after the deadline for bids, once."))
    if (
        challenge.program is not None
        and challenge.program.needs_review
        and await bid_queries.bids_of_challenge(session, challenge_id)
    ):
        raise ConflictError(_("The bids of this program are reviewed: name the winners after the review."))
    standing = await checked_standing(session, challenge, consortium, note, asks_waiver=asks_waiver)
    if challenge.state is ChallengeState.PUBLISHED:
        # The deadline has passed; the job that says so is a few seconds behind.
        await move(session, SYSTEM, challenge, ChallengeState.CLOSED)
    await move(
        session,
        actor,
        challenge,
        ChallengeState.MATCH_PROPOSED,
        details={"consortium": str(consortium.id), "rule": str(consortium.rule_id)},
    )
    await hand_over(session, actor, consortium, standing, note)
    officers = await queries.officers_of(session, challenge.program_id)
    await notify(
        session,
        f"{events.SUBMITTED.name}:{consortium.id}:{consortium.revision}",
        events.SUBMITTED,
        [officer.id for officer in officers],
        consortium,
        {"title": challenge.title, "poster": challenge.organization.name},
    )
    return consortium


async def checked_standing(
    session: AsyncSession, challenge: Challenge, consortium: Consortium, note: str, *, asks_waiver: bool
) -> Standing:
    """What is to be submitted, held as it is now. Raises InvalidError with what stands in the way."""
    await queries.lock_organizations(session, [member.organization_id for member in consortium.members])
    standing = await standing_of(session, challenge, consortium)
    if consortium.computation.get("status") == "solving":
        raise ConflictError(_("The proposal is still being computed."))
    if standing.structural or (standing.broken and not asks_waiver):
        raise InvalidError({"": " ".join(standing.shortcomings)})
    if standing.broken and not note.strip():
        raise InvalidError({"note": _("Say why the quota should be waived.")})
    return standing


async def hand_over(
    session: AsyncSession, actor: Actor, consortium: Consortium, standing: Standing, note: str
) -> None:
    """Write a consortium down as submitted; its challenge has been moved before."""
    consortium.submitted_by_id = actor.person_id
    consortium.note = note.strip()
    consortium.revision += 1
    await states.move(
        session,
        MACHINE,
        actor,
        consortium,
        ConsortiumState.SUBMITTED,
        details={"asks_waiver_of": [part.name for part in standing.broken]} if standing.broken else None,
    )


async def take_back_consortium(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Consortium:
    """The poster wants to change what waits for the officer: of several teams all that are not decided on."""
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    teams = [
        item
        for item in await queries.live_teams(session, challenge_id, lock=True)
        if item.state in queries.OPEN and policies.may_see_consortium(actor, challenge, item)
    ]
    if not teams:
        raise NotFoundError(_("There is no such consortium."))
    if not posting_policies.is_poster_editor(actor, challenge):
        raise ForbiddenError(_("You may not take this step."))
    waiting = [item for item in teams if policies.may_take_back(actor, challenge, item)]
    if not waiting:
        raise ConflictError(_("The consortium is not waiting for a decision any more."))
    await move(session, actor, challenge, ChallengeState.CLOSED)
    for consortium in waiting:
        consortium.revision += 1
        await states.move(session, MACHINE, actor, consortium, ConsortiumState.PROPOSED)
    return waiting[0]


class Draft:
    """Members, holders and lead while they are changed by hand. `members` keeps the order of joining."""

    def __init__(self, consortium: Consortium, prospects: Prospects) -> None:
        self.prospects = prospects
        self.computation: Mapping[str, Any] = consortium.computation
        self.members = [member.organization_id for member in consortium.members]
        self.holders = {
            name: member.organization_id for member in consortium.members for name in member.requirement_ids
        }
        self.lead_id = consortium.lead_id

    def assign(self, holders: Mapping[str, uuid.UUID], lead_id: uuid.UUID | None) -> None:
        for key in [*holders.values(), *([lead_id] if lead_id else [])]:
            self._member(key)
        self.holders, self.lead_id = dict(holders), lead_id

    def add(self, key: uuid.UUID) -> None:
        self._prospect(key)
        if key in self.members:
            raise ConflictError(_("This organization is a member already."))
        self.members.append(key)
        if self.lead_id is None:
            self.lead_id = key

    def remove(self, key: uuid.UUID) -> None:
        self._member(key)
        self.members.remove(key)
        self.holders = {name: holder for name, holder in self.holders.items() if holder != key}
        if self.lead_id == key:
            self.lead_id = None

    def exchange(self, leaves: uuid.UUID, joins: uuid.UUID) -> None:
        self._member(leaves)
        self._prospect(joins)
        if joins in self.members:
            raise ConflictError(_("This organization is a member already."))
        self.members[self.members.index(leaves)] = joins
        self.holders = {name: joins if key == leaves else key for name, key in self.holders.items()}
        if self.lead_id == leaves:
            self.lead_id = joins

    def adopt(self, holders: Mapping[str, uuid.UUID], lead_id: uuid.UUID) -> None:
        """Another consortium in the place of this one: whoever holds a requirement is a member."""
        self.members = list(dict.fromkeys(holders.values()))
        for key in self.members:
            self._prospect(key)
        self.assign(holders, lead_id)

    def take(self, number: int) -> None:
        answer = self.computation.get("answer") or {}
        choices = [answer, *answer.get("alternatives", [])] if answer.get("members") else []
        if not 0 <= number < len(choices):
            raise NotFoundError(_("There is no such alternative."))
        chosen = choices[number]
        holders = {
            name: uuid.UUID(member["id"]) for member in chosen["members"] for name in member["requirements"]
        }
        self.adopt(holders, uuid.UUID(chosen["lead"]))

    def _member(self, key: uuid.UUID) -> None:
        if key not in self.members:
            raise NotFoundError(_("That organization is not a member."))

    def _prospect(self, key: uuid.UUID) -> None:
        if key not in self.prospects:
            raise NotFoundError(_("That organization is not in the ranking."))


async def _change(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    verb: str,
    change: Callable[[Draft], None],
    details: dict[str, Any] | None = None,
) -> Consortium:
    challenge = await _lock_challenge(session, actor, challenge_id)
    consortium = await _lock_open(session, challenge_id, revision)
    if consortium.state not in policies.EDITABLE:
        raise ConflictError(_("The consortium has been submitted; it waits for the officer's decision."))
    if consortium.computation.get("status") == "solving":
        raise ConflictError(_("The proposal is still being computed."))
    if consortium.bid_id is not None:
        raise ConflictError(
            _("This consortium was bid as it stands. Have another proposed to change members.")
        )
    return await _rewrite(session, actor, challenge, consortium, revision, verb, change, details)


async def _rewrite(
    session: AsyncSession,
    actor: Actor,
    challenge: Challenge,
    consortium: Consortium,
    revision: int,
    verb: str,
    change: Callable[[Draft], None],
    details: dict[str, Any] | None = None,
) -> Consortium:
    if consortium.revision != revision:
        raise ConflictError(CHANGED_MEANWHILE)
    prospects = await prospects_of(session, challenge, consortium)
    draft = Draft(consortium, prospects)
    change(draft)
    compose(
        consortium,
        challenge,
        await rule_of(session, challenge),
        prospects,
        members=draft.members,
        holders=draft.holders,
        lead_id=draft.lead_id,
        money=None
        if consortium.bid_id is None
        else {m.organization_id: m.budget_wan for m in consortium.members},
    )
    consortium.revision += 1
    await session.flush()
    await audit.record(session, actor, f"consortium.{verb}", "consortium", consortium.id, details)
    return consortium


async def _lock_challenge(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Challenge:
    """The challenge, locked, for an editor of its poster while a consortium may be prepared."""
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    if not posting_policies.is_poster_editor(actor, challenge):
        raise ForbiddenError(_("A consortium is put together by the poster's owners and editors."))
    if not policies.may_prepare(actor, challenge):
        raise ConflictError(_("A consortium is prepared from publication until it is submitted."))
    return challenge


async def has_several_teams(session: AsyncSession, challenge_id: uuid.UUID) -> bool:
    """Whether winners are named and mended together, and not on the workbench."""
    return len(await queries.live_states(session, challenge_id)) > 1


async def _on_the_workbench(session: AsyncSession, challenge_id: uuid.UUID) -> Consortium | None:
    """The open consortium, locked, where it is the only one."""
    teams = await queries.live_teams(session, challenge_id, lock=True)
    if len(teams) > 1 or any(item.state is ConsortiumState.APPROVED for item in teams):
        raise ConflictError(_("Several winners are named for this challenge: go on on the page “Winners”."))
    return teams[0] if teams else None


async def _lock_open(session: AsyncSession, challenge_id: uuid.UUID, revision: int) -> Consortium:
    consortium = await _on_the_workbench(session, challenge_id)
    if consortium is None:
        raise NotFoundError(_("There is no consortium yet."))
    if consortium.revision != revision:
        raise ConflictError(CHANGED_MEANWHILE)
    return consortium
