from hypothesis import HealthCheck, given, settings

from matching.consortium_proposal import OBJECTIVE_TOLERANCE, propose
from tests.unit.quota.consortium_examples import every_consortium, problems

FAST = settings(
    max_examples=600,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


@FAST
@given(problems())
def test_a_proposal_is_as_good_as_the_best_of_all_consortia(problem):
    every = every_consortium(problem)
    proposal = propose(problem)
    if not every:
        assert proposal.status == "infeasible"
        assert proposal.consortium is None
        return
    assert proposal.status == "optimal"
    assert proposal.consortium is not None
    assert abs(max(item[0] for item in every) - proposal.consortium.objective) <= OBJECTIVE_TOLERANCE
    assert (proposal.consortium.lead, proposal.consortium.assignment) in [
        (item[2], item[3]) for item in every
    ]
    assert proposal.consortium.quota.holds
