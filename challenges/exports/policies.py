"""Who may take a round away as files."""

from challenges.programs.models import Program
from challenges.programs.policies import is_officer_of
from core.actor import Actor


def may_export(actor: Actor, program: Program) -> bool:
    """Officers in charge now: asked when the export is ordered, when it is made, and at each download."""
    return is_officer_of(actor, program)
