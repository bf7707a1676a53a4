"""The contract with its signatures, milestones with a rework, payments, the final acceptance, ratings, the result."""

from collections.abc import Callable
from typing import Any

from core.clock import shanghai_today
from tests.resilience.browsing import Fields
from tests.resilience.figures import LostError
from tests.resilience.run import Run
from tests.resilience.way.reviewing import pdf


def sign(run: Run, challenge: str) -> None:
    """Made, offered, and signed by the poster and both members of the team: then the work begins."""
    poster, lead, partner = run.cast.poster, run.cast.bidders[0].email, run.cast.partner.email
    run.act(
        "contract",
        poster,
        f"/challenges/{challenge}/contracts",
        {},
        "SELECT count(*) = 1 FROM contract WHERE challenge_id = %s",
        challenge,
    )
    contract = _contract_of(run, challenge)
    path = f"/contracts/{contract}/edit"
    run.act(
        "offer of the contract",
        poster,
        path,
        lambda: run.form(poster, path, path) | {"starts_on": shanghai_today().isoformat(), "action": "offer"},
        "SELECT count(*) = 1 FROM contract_version WHERE contract_id = %s AND offered_at IS NOT NULL",
        contract,
    )
    for number, email in enumerate((poster, lead, partner), start=1):
        run.act(
            "signature",
            email,
            f"/contracts/{contract}/sign",
            _signed(run, email, contract),
            "SELECT count(*) >= %s AND count(*) = count(DISTINCT organization_id) FROM contract_signature s"
            " JOIN contract_version v ON v.id = s.version_id WHERE v.contract_id = %s",
            number,
            contract,
            files=pdf("签署件.pdf"),
        )


def _contract_of(run: Run, challenge: str) -> Any:
    return run.value("SELECT id FROM contract WHERE challenge_id = %s", challenge)


def _signed(run: Run, email: str, contract: Any) -> Callable[[], Fields]:
    path = f"/contracts/{contract}"
    return lambda: run.form(email, path, f"{path}/sign") | {"confirm": "y"}


def deliver(run: Run, challenge: str) -> None:
    """The first milestone is sent back once; each is reported, accepted, paid and received."""
    contract = _contract_of(run, challenge)
    for place, milestone in enumerate(
        run.values("SELECT id FROM milestone WHERE contract_id = %s ORDER BY position", contract)
    ):
        _report(run, milestone, 1)
        if place == 0:
            _answer(run, milestone, 1, {"answer": "refuse", "note": "缺检测数据。"})
            _report(run, milestone, 2)
        _answer(run, milestone, 2 if place == 0 else 1, {"answer": "accept"})
        for verb, email, column in (
            ("paid", run.cast.poster, "paid_at"),
            ("received", run.cast.bidders[0].email, "received_at"),
        ):
            run.act(
                f"payment {verb}",
                email,
                f"/milestones/{milestone}/{verb}",
                {},
                f"SELECT {column} IS NOT NULL FROM milestone WHERE id = %s",
                milestone,
            )


def _report(run: Run, milestone: str, number: int) -> None:
    run.act(
        "report on a milestone",
        run.cast.bidders[0].email,
        f"/milestones/{milestone}/report",
        {"text": "已达到考核指标，报告见附件。"},
        "SELECT count(*) >= %s AND count(*) = count(DISTINCT r.id)"
        " FROM milestone_report r JOIN attachment a ON a.subject_id = r.id WHERE r.milestone_id = %s",
        number,
        milestone,
        files=pdf("报告.pdf"),
    )


def _answer(run: Run, milestone: str, number: int, fields: Fields) -> None:
    run.act(
        "answer to a report",
        run.cast.poster,
        f"/milestones/{milestone}/answer",
        fields,
        "SELECT count(*) >= %s FROM milestone_report WHERE milestone_id = %s AND answered_at IS NOT NULL",
        number,
        milestone,
    )


def finish(run: Run, challenge: str) -> None:
    """The lead asks, the poster accepts, an officer confirms; both sides rate, the lead shows the result."""
    poster, lead = run.cast.poster, run.cast.bidders[0]
    contract = _contract_of(run, challenge)
    run.act(
        "asking for the acceptance",
        lead.email,
        f"/contracts/{contract}/acceptance",
        {"text": "全部任务完成，申请验收。"},
        "SELECT count(*) = 1 FROM final_acceptance WHERE contract_id = %s",
        contract,
    )
    acceptance = run.value("SELECT id FROM final_acceptance WHERE contract_id = %s", contract)
    for email, column in ((poster, "answered_at"), (run.cast.officers[0], "confirmed_at")):
        run.act(
            "final acceptance",
            email,
            f"/acceptances/{acceptance}/answer",
            {"answer": "accept", "note": "同意验收。"},
            f"SELECT {column} IS NOT NULL FROM final_acceptance WHERE id = %s",
            acceptance,
        )
    for email, side in ((poster, "poster"), (lead.email, "team")):
        run.act(
            "rating",
            email,
            f"/contracts/{contract}/rating",
            {"stars": "5", "comment": "配合良好。"},
            "SELECT count(*) = 1 FROM rating WHERE contract_id = %s AND side = %s",
            contract,
            side,
        )
    run.act(
        "result in the profile",
        lead.email,
        f"/contracts/{contract}/delivery",
        {"show": "yes"},
        "SELECT count(*) = 1 FROM delivery d JOIN evidence_item e ON e.id = d.evidence_id"
        " WHERE d.contract_id = %s AND d.organization_id = %s",
        contract,
        lead.id,
    )
    if (state := run.value("SELECT state FROM challenge WHERE id = %s", challenge)) != "accepted":
        raise LostError(f"a challenge whose contract was confirmed is {state}")
