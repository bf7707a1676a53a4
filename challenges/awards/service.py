"""Naming winners: one to three bids become consortia, are handed in together and decided on one by one.

Whoever changes anything locks the challenge first; `seen` is the digest of the teams that the page has shown.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards import events, offers, policies, queries
from challenges.awards.models import BidChoice
from challenges.awards.offers import Offer, Place
from challenges.bids.models import Bid
from challenges.consortia import from_bids, standing, submission
from challenges.consortia.models import Consortium, ConsortiumState
from challenges.consortia.policies import EDITABLE, has_interest
from challenges.consortia.queries import officers_of
from challenges.consortia.standing import Standing
from challenges.consortia.states import MACHINE
from challenges.objections.models import Objection
from challenges.objections.queries import upheld_at
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.states import move
from core import audit, states
from core.actor import SYSTEM, Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from core.notifications.service import notify
from solvers.organizations import queries as organization_queries

CHANGED_MEANWHILE = _("Somebody else has changed the winners meanwhile. Look at them again.")
MOST_WINNERS = 3


@dataclass(frozen=True)
class Award:
    """What the page of winners shows: all offers, and the teams as they stand."""

    challenge: Challenge
    offers: Sequence[Offer]
    teams: Sequence[Standing]
    choices: Mapping[uuid.UUID, BidChoice]
    # By bid what was objected, and upheld, when its team held the award.
    upheld: Mapping[uuid.UUID, Objection]
    is_reviewed: bool
    is_ready_to_choose: bool
    may_choose: bool
    may_take_back: bool
    may_award_rest: bool
    seen: str

    @property
    def most_winners(self) -> int:
        return most_winners(self.challenge)

    @property
    def named(self) -> frozenset[uuid.UUID]:
        """Bids that hold a team's place."""
        return frozenset(
            item.consortium.bid_id
            for item in self.teams
            if item.consortium is not None and item.consortium.bid_id is not None
        )

    @property
    def open_teams(self) -> list[Standing]:
        return [item for item in self.teams if item.consortium and item.consortium.state in EDITABLE]

    @property
    def is_ready(self) -> bool:
        """Whether it may be submitted, with a waiver or without."""
        return bool(self.teams) and not any(item.structural for item in self.open_teams)

    @property
    def breaks_quota(self) -> bool:
        return any(item.broken for item in self.open_teams)


def most_winners(challenge: Challenge) -> int:
    return challenge.program.max_winners if challenge.program is not None else 1


def digest_of(teams: Sequence[Consortium]) -> str:
    text = ";".join(f"{item.id}:{item.state}:{item.revision}" for item in teams)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def read_award(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Award:
    """For the poster and the program's officers, once the deadline has passed."""
    challenge = await postings.read_challenge(session, actor, challenge_id)
    now = await database_time(session)
    if not policies.may_see_award(actor, challenge, now):
        raise NotFoundError(_("There is nothing at this address."))
    teams = await queries.live_teams(session, challenge_id)
    is_poster = posting_policies.is_poster(actor, challenge)
    shown = [
        item
        for item in teams
        # A poster's first sketch is the poster's own.
        if is_poster or item.state is not ConsortiumState.PROPOSED or item.submitted_at is not None
    ]
    are_ready = await offers.are_ready(session, challenge)
    return Award(
        challenge=challenge,
        offers=await offers.offers_of(session, challenge),
        teams=[await standing.standing_of(session, challenge, item) for item in shown],
        choices=await queries.choices_of(session, challenge_id),
        upheld=await upheld_at(session, challenge_id),
        is_reviewed=await offers.ranking_of(session, challenge) is not None,
        is_ready_to_choose=are_ready,
        may_choose=policies.may_choose(actor, challenge, now, are_ready=are_ready),
        may_take_back=posting_policies.is_poster_editor(actor, challenge)
        and challenge.state is ChallengeState.MATCH_PROPOSED
        and any(item.state is ConsortiumState.SUBMITTED for item in teams),
        may_award_rest=policies.may_award_rest(actor, challenge, teams),
        seen=digest_of(teams),
    )


async def choose_winners(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    bid_ids: Sequence[uuid.UUID],
    reason: str,
    seen: str,
) -> list[Consortium]:
    """Name the bids that are to hold the award beside those approved already; others that were named give way.

    Raises InvalidError on `bids` for too many, none or one that may not be named, on `reason` where the choice departs
    from the order of the review without one.
    """
    challenge, teams = await _lock(session, actor, challenge_id, seen)
    places = await offers.ranking_of(session, challenge)
    bids = {bid.id: bid for bid in await offers.admitted_bids(session, challenge.id)}
    rejected = await queries.rejected_bid_ids(session, challenge_id)
    wanted = list(dict.fromkeys(bid_ids))
    approved = {item.bid_id: item for item in teams if item.state is ConsortiumState.APPROVED}
    wanted = [key for key in wanted if key not in approved]
    reason = reason.strip()
    if not wanted:
        raise InvalidError({"bids": _("Choose at least one bid.")})
    if len(wanted) + len(approved) > most_winners(challenge):
        raise InvalidError(
            {"bids": gettext("This program has at most %(number)s winners.", number=most_winners(challenge))}
        )
    for key in wanted:
        if key not in bids or (places is not None and key not in places):
            raise InvalidError({"bids": _("One of these bids was not admitted.")})
        if key in rejected:
            raise InvalidError({"bids": _("An officer has rejected one of these bids.")})
    departs = places is not None and policies.departs(
        [*wanted, *(key for key in approved if key is not None)],
        {key: place.rank for key, place in places.items() if key in bids},
        rejected | await queries.superseded_bid_ids(session, challenge_id),
    )
    if departs and not reason:
        raise InvalidError(
            {"reason": _("A bid with a better place is not among them: say why you depart from the review.")}
        )
    ordered = sorted(wanted, key=lambda key: places[key].rank if places else wanted.index(key))
    named = await _seat(session, actor, challenge, teams, [bids[key] for key in ordered])
    now = await database_time(session)
    choices = await queries.choices_of(session, challenge_id)
    for consortium in named:
        assert consortium.bid_id is not None
        assert actor.person_id is not None
        place = (places or {}).get(consortium.bid_id)
        choice = choices.get(consortium.id) or BidChoice(consortium_id=consortium.id)
        choice.bid_id, choice.departs, choice.reason = consortium.bid_id, departs, reason
        choice.rank, choice.score = _rank_and_score(place)
        choice.chosen_by_id, choice.chosen_at = actor.person_id, now
        session.add(choice)
    await session.flush()
    await audit.record(
        session,
        actor,
        "challenge.winners_named",
        postings.SUBJECT,
        challenge.id,
        {
            "bids": [str(key) for key in ordered],
            "departs_from_review": departs,
            **({"reason": reason} if reason else {}),
        },
    )
    return named


def _rank_and_score(place: Place | None) -> tuple[int | None, float | None]:
    return (None, None) if place is None else (place.rank, float(place.score))


async def _seat(
    session: AsyncSession,
    actor: Actor,
    challenge: Challenge,
    teams: Sequence[Consortium],
    bids: Sequence[Bid],
) -> list[Consortium]:
    """Give every bid a team's place: its own where it has one, else the lowest that is free."""
    wanted = {bid.id for bid in bids}
    kept = {item.bid_id: item for item in teams if item.state in EDITABLE and item.bid_id in wanted}
    for item in teams:
        if item.state in EDITABLE and item.bid_id not in wanted:
            item.revision += 1
            await states.move(session, MACHINE, actor, item, ConsortiumState.WITHDRAWN)
    taken = {item.team for item in teams if item.state is ConsortiumState.APPROVED or item in kept.values()}
    named: list[Consortium] = []
    for bid in bids:
        consortium = kept.get(bid.id)
        if consortium is None:
            team = next(number for number in range(1, MOST_WINNERS + 1) if number not in taken)
            taken.add(team)
            consortium = Consortium(
                challenge_id=challenge.id, team=team, revision=0, members=[], decisions=[], waivers=[]
            )
            session.add(consortium)
        await from_bids.take_over_bid(session, actor, challenge, consortium, bid)
        named.append(consortium)
    return named


async def submit_winners(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    note: str,
    seen: str,
    *,
    asks_waiver: bool = False,
) -> list[Consortium]:
    """Hand all teams that are not approved yet to the officers, together; with none left, those approved alone.

    Raises InvalidError with what stands in the way of which team.
    """
    challenge, teams = await _lock(session, actor, challenge_id, seen)
    if not teams:
        raise ConflictError(_("Name the winners first."))
    waiting = policies.open_teams(teams)
    checked: list[tuple[Consortium, Standing]] = []
    problems: list[str] = []
    for item in waiting:
        try:
            standing = await submission.checked_standing(
                session, challenge, item, note, asks_waiver=asks_waiver
            )
        except InvalidError as error:
            if "note" in error.errors:
                raise
            problems.append(_team_text(item, len(teams)) + str(error.errors[""]))
        else:
            checked.append((item, standing))
    if problems:
        raise InvalidError({"": " ".join(problems)})
    if challenge.state is ChallengeState.PUBLISHED:
        # The deadline has passed; the job that says so is a few seconds behind.
        await move(session, SYSTEM, challenge, ChallengeState.CLOSED)
    await move(
        session,
        actor,
        challenge,
        ChallengeState.MATCH_PROPOSED,
        details={"consortia": [str(item.id) for item in waiting]},
    )
    for item, standing in checked:
        await submission.hand_over(session, actor, item, standing, note)
    officers = await officers_of(session, challenge.program_id)
    await notify(
        session,
        f"{events.SUBMITTED.name}:{challenge.id}:{challenge.index_revision}",
        events.SUBMITTED,
        [officer.id for officer in officers],
        challenge,
        {
            "title": challenge.title,
            "poster": challenge.organization.name,
            "teams": str(len(waiting)),
        },
    )
    return waiting


def _team_text(consortium: Consortium, number_of_teams: int) -> str:
    return "" if number_of_teams < 2 else gettext("Team %(number)s:", number=consortium.team) + " "


async def drop_open_teams(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, seen: str
) -> list[Consortium]:
    """Go on with the teams approved already: those sent back give way, and nobody takes their place."""
    challenge, teams = await _lock(session, actor, challenge_id, seen)
    if not any(item.state is ConsortiumState.APPROVED for item in teams):
        raise ConflictError(_("No team is approved yet."))
    for item in policies.open_teams(teams):
        item.revision += 1
        await states.move(session, MACHINE, actor, item, ConsortiumState.WITHDRAWN)
    present = await queries.live_teams(session, challenge.id, lock=True)
    return await submit_winners(session, actor, challenge.id, "", digest_of(present))


async def award_rest(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Challenge:
    """The officer awards the teams approved before, where the poster wants no other one."""
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    if not posting_policies.is_officer_in_charge(actor, challenge):
        raise ForbiddenError(_("Only officers in charge of the program decide."))
    teams = await queries.live_teams(session, challenge_id, lock=True)
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    if any(has_interest(own, challenge, item) for item in teams):
        raise ForbiddenError(_("You belong to a member or to the poster: another officer must decide."))
    if not policies.may_award_rest(actor, challenge, teams):
        raise ConflictError(_("A team still waits for its decision, or none is approved."))
    return await move(
        session,
        actor,
        challenge,
        ChallengeState.AWARDED,
        details={"consortia": [str(item.id) for item in teams]},
    )


async def _lock(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, seen: str
) -> tuple[Challenge, list[Consortium]]:
    """Challenge and teams, locked, for an editor of the poster while winners may be named."""
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    if not posting_policies.is_poster_editor(actor, challenge):
        raise ForbiddenError(_("Winners are named by the poster's owners and editors."))
    now = await database_time(session)
    if not policies.is_time_to_choose(challenge, now, are_ready=await offers.are_ready(session, challenge)):
        raise ConflictError(
            _("Winners are named once the bids are opened, checked and reviewed, until they are submitted.")
        )
    teams = await queries.live_teams(session, challenge_id, lock=True)
    if digest_of(teams) != seen:
        raise ConflictError(CHANGED_MEANWHILE)
    return challenge, teams
