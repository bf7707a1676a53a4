"""Who may do what with notifications."""

from core.actor import Actor
from core.notifications.kinds import Audience, Kind


def concerns(actor: Actor, kind: Kind) -> bool:
    """Whether the actor may ever be told of this kind, and is asked how."""
    return {
        Audience.EVERYBODY: True,
        Audience.ORGANIZATION: actor.organization_id is not None,
        Audience.OFFICER: actor.is_officer,
        Audience.REVIEWER: actor.is_reviewer,
        Audience.ADMINISTRATOR: actor.is_administrator,
    }[kind.audience]
