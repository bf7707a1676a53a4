"""The formal check with one completion, and the review: a conflict, a replacement, scores and their revision, a remark, the ranking."""

from collections.abc import Callable
from typing import Any

from tests.resilience.browsing import Fields, Files
from tests.resilience.cast import Reviewer
from tests.resilience.run import Run
from tests.resilience.way.bidding import bid_of

PDF = b"%PDF-1.7 signed"
# By criterion, for the bids in the order of the cast: the first one wins.
POINTS = ("9", "7", "5")
REVISED = "4"


def pdf(name: str) -> Files:
    return {"file": (name, PDF, "application/pdf")}


def check(run: Run, challenge: str) -> None:
    run.act(
        "beginning of the check",
        run.cast.officers[0],
        f"/challenges/{challenge}/checks",
        {},
        "SELECT count(*) = %s FROM formal_check WHERE challenge_id = %s",
        len(run.cast.bidders),
        challenge,
    )
    for place, bidder in enumerate(run.cast.bidders):
        found = run.value("SELECT id FROM formal_check WHERE bid_id = %s", bid_of(run, challenge, bidder))
        if place == 0:
            _settle(run, found, "request", "SELECT asked <> '' FROM formal_check WHERE id = %s")
            run.act(
                "completion",
                bidder.email,
                f"/checks/{found}/completion",
                {"text": "已补签章页。", "act": "hand_in"},
                "SELECT count(*) = 1 FROM formal_check c JOIN attachment a ON a.subject_id = c.id"
                " WHERE c.id = %s AND c.completed_at IS NOT NULL",
                found,
                files=pdf("签章页.pdf"),
            )
        _settle(run, found, "pass", "SELECT settled_at IS NOT NULL FROM formal_check WHERE id = %s")


def _settle(run: Run, found: Any, act: str, done: str) -> None:
    officer, path = run.cast.officers[0], f"/checks/{found}"
    answers = {"act": act, "note": "缺签章页。", "point-0-met": "not_met" if act == "request" else "met"}
    run.act(
        f"formal check: {act}", officer, path, lambda: run.form(officer, path, path) | answers, done, found
    )


def review(run: Run, challenge: str) -> None:
    officer = run.cast.officers[0]
    run.act(
        "beginning of the review",
        officer,
        f"/challenges/{challenge}/review",
        {},
        "SELECT count(*) = 1 FROM review WHERE challenge_id = %s",
        challenge,
    )
    found = run.value("SELECT id FROM review WHERE challenge_id = %s", challenge)
    first, second, biased = run.cast.experts
    for expert in (first, biased):
        _appoint(run, found, expert)
    run.act(
        "beginning of the scoring",
        officer,
        f"/reviews/{found}/scoring",
        {},
        "SELECT due_at IS NOT NULL FROM review WHERE id = %s",
        found,
    )
    _declare(run, found, biased, conflict="some", reason="与牵头单位有合作项目。")
    _appoint(run, found, second)
    for expert in (first, second):
        _declare(run, found, expert, conflict="none")
        _score(run, challenge, found, expert)
    _revise(run, challenge, found, first)
    _remark(run, found, first)
    run.act(
        "end of the review",
        officer,
        f"/reviews/{found}/end",
        {},
        "SELECT finished_at IS NOT NULL AND jsonb_array_length(ranking) = %s FROM review WHERE id = %s",
        len(run.cast.bidders),
        found,
    )


def _appoint(run: Run, found: Any, expert: Reviewer) -> None:
    run.act(
        "appointment",
        run.cast.officers[0],
        f"/reviews/{found}/seats",
        {"expert": expert.id},
        "SELECT count(*) = 1 FROM panel_seat WHERE review_id = %s AND expert_id = %s",
        found,
        expert.id,
    )


def _seat(run: Run, found: Any, expert: Reviewer) -> Any:
    return run.value("SELECT id FROM panel_seat WHERE review_id = %s AND expert_id = %s", found, expert.id)


def _declare(run: Run, found: Any, expert: Reviewer, **fields: str) -> None:
    seat = _seat(run, found, expert)
    run.act(
        "declaration",
        expert.email,
        f"/seats/{seat}/declaration",
        fields,
        "SELECT state IN ('declared', 'handed_in', 'excluded') FROM panel_seat WHERE id = %s",
        seat,
    )


def _score(run: Run, challenge: str, found: Any, expert: Reviewer) -> None:
    seat = _seat(run, found, expert)
    for bidder, points in zip(run.cast.bidders, POINTS, strict=True):
        bid = bid_of(run, challenge, bidder)
        path = f"/seats/{seat}/bids/{bid}"

        run.act(
            "scores",
            expert.email,
            path,
            _scored(run, expert, path, points),
            "SELECT count(*) = (SELECT jsonb_array_length(criteria) FROM review WHERE id = %s) FROM score"
            " WHERE seat_id = %s AND bid_id = %s AND points IS NOT NULL",
            found,
            seat,
            bid,
        )
    run.act(
        "handing in of scores",
        expert.email,
        f"/seats/{seat}/scores",
        {},
        "SELECT handed_in_at IS NOT NULL FROM panel_seat WHERE id = %s",
        seat,
    )


def _scored(run: Run, expert: Reviewer, path: str, points: str, **more: str) -> Callable[[], Fields]:
    def fields() -> Fields:
        form = run.form(expert.email, path, path)
        return form | {name: points for name in form if name.endswith("points")} | more

    return fields


def _revise(run: Run, challenge: str, found: Any, expert: Reviewer) -> None:
    seat, bid = _seat(run, found, expert), bid_of(run, challenge, run.cast.bidders[-1])
    path = f"/seats/{seat}/bids/{bid}"
    run.act(
        "revision of scores",
        expert.email,
        path,
        _scored(run, expert, path, REVISED, note="漏看附件。"),
        "SELECT count(*) = (SELECT jsonb_array_length(criteria) FROM review WHERE id = %s) FROM score_revision"
        " WHERE seat_id = %s AND bid_id = %s",
        found,
        seat,
        bid,
    )


def _remark(run: Run, found: Any, expert: Reviewer) -> None:
    run.act(
        "remark",
        expert.email,
        f"/seats/{_seat(run, found, expert)}/remarks",
        {"text": "建议关注检测能力。"},
        "SELECT count(*) = 1 FROM review_remark WHERE review_id = %s",
        found,
    )
