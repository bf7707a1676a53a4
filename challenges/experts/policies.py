"""Who looks after the expert base."""

from core.actor import Actor


def may_manage_experts(actor: Actor) -> bool:
    return actor.is_officer or actor.is_administrator
