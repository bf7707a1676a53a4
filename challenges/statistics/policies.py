"""Who may see which statistics."""

from challenges.programs.models import Program
from challenges.programs.policies import is_officer_of
from core.actor import Actor


def may_see_dashboard(actor: Actor, program: Program) -> bool:
    """Prices, rankings and single consortia are for the officers in charge, never for those of another program."""
    return is_officer_of(actor, program)
