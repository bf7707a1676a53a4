"""Every machine of states, in the order in which docs/states.md shows them."""

from typing import Any

from challenges.acceptances.states import ACCEPTANCE
from challenges.amendments.states import AMENDMENT
from challenges.bids.states import BID, BID_MEMBER
from challenges.checks.states import CHECK
from challenges.consortia.states import MACHINE as CONSORTIUM
from challenges.contracts.states import CONTRACT, VERSION
from challenges.milestones.states import MILESTONE
from challenges.notices.states import MACHINE as NOTICE
from challenges.objections.states import MACHINE as OBJECTION
from challenges.postings.states import MACHINE as CHALLENGE
from challenges.questions.states import QUESTION
from challenges.reviews.states import REVIEW, SEAT
from core.states import Machine

MACHINES: tuple[Machine[Any, Any], ...] = (
    CHALLENGE,
    QUESTION,
    AMENDMENT,
    BID,
    BID_MEMBER,
    CHECK,
    REVIEW,
    SEAT,
    CONSORTIUM,
    NOTICE,
    OBJECTION,
    CONTRACT,
    VERSION,
    MILESTONE,
    ACCEPTANCE,
)
