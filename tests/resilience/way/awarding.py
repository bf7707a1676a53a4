"""The winner, the decision, the public notice, an objection that is not upheld, the end of the notice."""

from typing import Any

from tests.resilience.run import Run
from tests.resilience.way.bidding import bid_of


def award(run: Run, challenge: str) -> None:
    winner = bid_of(run, challenge, run.cast.bidders[0])
    path = f"/challenges/{challenge}/award"

    def seen() -> str:
        return run.form(run.cast.poster, path, f"{path}/choose")["seen"]

    run.act(
        "choice of the winner",
        run.cast.poster,
        f"{path}/choose",
        lambda: {"seen": seen(), "bids": str(winner)},
        "SELECT count(*) = 1 FROM consortium WHERE challenge_id = %s AND bid_id = %s",
        challenge,
        winner,
    )
    run.act(
        "submission of the winner",
        run.cast.poster,
        f"{path}/submit",
        lambda: {"seen": seen(), "note": "请审定"},
        "SELECT count(*) = 1 FROM consortium WHERE challenge_id = %s AND submitted_at IS NOT NULL",
        challenge,
    )
    consortium = consortium_of(run, challenge)
    run.act(
        "decision",
        run.cast.officers[0],
        f"/consortia/{consortium}/decide",
        lambda: {
            "outcome": "approved",
            "reason": "同意",
            "revision": str(run.value("SELECT revision FROM consortium WHERE id = %s", consortium)),
        },
        "SELECT count(*) = 1 FROM decision WHERE consortium_id = %s",
        consortium,
    )


def consortium_of(run: Run, challenge: str) -> Any:
    return run.value("SELECT id FROM consortium WHERE challenge_id = %s", challenge)


def announce(run: Run, challenge: str) -> None:
    run.act(
        "notice",
        run.cast.officers[0],
        f"/challenges/{challenge}/notice",
        {"introduction": "现予公示。"},
        "SELECT count(*) = 1 FROM notice WHERE challenge_id = %s",
        challenge,
    )
    notice = run.value("SELECT id FROM notice WHERE challenge_id = %s", challenge)
    run.act(
        "objection",
        run.cast.bidders[2].email,
        f"/notices/{notice}/objections/new",
        {"consortium": str(consortium_of(run, challenge)), "text": "该团队所报业绩与事实不符。"},
        "SELECT count(*) = 1 FROM objection WHERE notice_id = %s",
        notice,
    )
    objection = run.value("SELECT id FROM objection WHERE notice_id = %s", notice)
    run.act(
        "answer to the objection",
        run.cast.officers[1],
        f"/objections/{objection}/answer",
        {"effect": "stands", "answer": "经核实，所报业绩属实。", "summary": "异议不成立。"},
        "SELECT answered_at IS NOT NULL FROM objection WHERE id = %s",
        objection,
    )
    _let_pass(run, notice)


def _let_pass(run: Run, notice: Any) -> None:
    """The period passes, and the worker ends the notice. What a notice says is frozen for everybody else."""
    with run.database.transaction():
        run.database.execute("ALTER TABLE notice DISABLE TRIGGER notice_guard")
        run.database.execute(
            "UPDATE notice SET begun_at = begun_at - interval '30 days', ends_at = now() - interval '1 second'"
            " WHERE id = %s",
            (notice,),
        )
        run.database.execute("ALTER TABLE notice ENABLE ALWAYS TRIGGER notice_guard")
    run.wait("end of the notice", "SELECT state = 'ended' FROM notice WHERE id = %s", notice)
