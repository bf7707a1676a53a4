"""Who may compute and see allocations: the program's own officers, nobody else."""

from challenges.postings.models import ChallengeState
from challenges.programs.models import Program
from challenges.programs.policies import is_officer_of
from core.actor import Actor

# From publication until somebody has been proposed; after that there is nobody left to look for.
ALLOCATED_IN = frozenset({ChallengeState.PUBLISHED, ChallengeState.CLOSED})


def may_allocate(actor: Actor, program: Program) -> bool:
    return is_officer_of(actor, program)
