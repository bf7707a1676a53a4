"""A decision as a page of its own, for archives: the print view without the site around it."""

from functools import cache

from jinja2 import Environment

from challenges.exports.wording import use_decision_page
from challenges.models import Challenge, Consortium, Decision
from web.decision_view import frozen_view, waiver_view
from web.templating import make_environment


@cache
def _environment() -> Environment:
    return make_environment()


def decision_page(challenge: Challenge, consortium: Consortium, decision: Decision) -> str:
    return (
        _environment()
        .get_template("exports/decision.html")
        .render(
            challenge=challenge,
            consortium=consortium,
            decision=decision,
            view=frozen_view(decision),
            waiver=waiver_view(decision),
        )
    )


use_decision_page(decision_page)
