"""What a person may do with accounts."""

from core.actor import Actor


def may_administer(actor: Actor) -> bool:
    return actor.is_administrator
