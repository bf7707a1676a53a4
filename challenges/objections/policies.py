"""Who objects, who reads what of an objection, who answers."""

import uuid
from collections.abc import Collection
from datetime import datetime

from challenges.notices.models import Notice, NoticeState
from challenges.objections.models import Objection, ObjectionState
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_officer_in_charge, is_poster
from core.actor import Actor


def takes_objections(notice: Notice, now: datetime) -> bool:
    """The clock decides, whatever the job that ends the notice has done; a trigger holds the same."""
    return (
        notice.state is NoticeState.OPEN
        and now < notice.ends_at
        and notice.challenge.state is ChallengeState.IN_NOTICE
    )


def has_standing(actor: Actor, challenge: Challenge) -> bool:
    """Who reads the challenge and acts for a verified organization; the poster has chosen itself."""
    return actor.organization_verified and actor.may_edit_for_organization and not is_poster(actor, challenge)


def winner_ids(notice: Notice) -> frozenset[uuid.UUID]:
    return frozenset(
        uuid.UUID(member["id"]) for team in notice.content["teams"] for member in team["members"]
    )


def is_objector(actor: Actor, objection: Objection) -> bool:
    return actor.acts_for(objection.organization_id)


def may_see_objector(actor: Actor, objection: Objection) -> bool:
    """Who raised it, and the files, which tell of it."""
    return is_objector(actor, objection) or is_officer_in_charge(actor, objection.challenge)


def may_read_objection(actor: Actor, objection: Objection) -> bool:
    """Text and answer: also poster and winners, without the objector."""
    return (
        may_see_objector(actor, objection)
        or is_poster(actor, objection.challenge)
        or any(actor.acts_for(key) for key in winner_ids(objection.notice))
    )


def may_withdraw(actor: Actor, objection: Objection) -> bool:
    return (
        is_objector(actor, objection)
        and actor.may_edit_for_organization
        and objection.state is ObjectionState.RAISED
    )


def is_concerned(own_organization_ids: Collection[uuid.UUID], objection: Objection) -> bool:
    """Whether somebody of these organizations belongs to the poster, to a winner or to the objector."""
    concerned = {
        objection.challenge.organization_id,
        objection.organization_id,
        *winner_ids(objection.notice),
    }
    return bool(concerned & set(own_organization_ids))
