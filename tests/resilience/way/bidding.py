"""A registration, the publication, a question, three bids of which one is of two, and their opening."""

from collections.abc import Callable
from typing import Any

from tests.factories import PASSWORD, credit_code
from tests.resilience.browsing import Fields
from tests.resilience.cast import Company
from tests.resilience.run import Run

STEPS = (("工艺验证", "1", "6", "工艺验证报告"), ("小批试制", "7", "12", "合格叶片与检测报告"))


def register(run: Run) -> None:
    number = run.figures.rounds
    email = f"registered{number}@example.com"
    run.act(
        "registration",
        "",
        "/register",
        {
            "kind": "enterprise",
            "name": f"杭州第{number}新登记有限公司",
            "credit_code": credit_code(800_000 + number),
            "legal_representative": "王清",
            "region_code": "3301",
            "industry_code": "C3562 半导体器件专用设备制造",
            "employees": "280",
            "revenue_wan": "1900",
            "person_name": "王清",
            "email": email,
            "password": PASSWORD,
            "repeated": PASSWORD,
        },
        "SELECT count(*) = 1 FROM person p JOIN membership m ON m.person_id = p.id WHERE p.email = %s",
        email,
    )


def publish(run: Run, challenge: str) -> None:
    run.act(
        "publication",
        run.cast.officers[0],
        f"/challenges/{challenge}/publish",
        {},
        "SELECT published_at IS NOT NULL AND state <> 'submitted' FROM challenge WHERE id = %s",
        challenge,
    )
    run.act(
        "question",
        run.cast.bidders[0].email,
        f"/challenges/{challenge}/questions",
        {"text": "验收由谁组织？"},
        "SELECT count(*) = 1 FROM question WHERE challenge_id = %s",
        challenge,
    )
    question = run.value("SELECT id FROM question WHERE challenge_id = %s", challenge)
    run.act(
        "answer",
        run.cast.poster,
        f"/questions/{question}/answer",
        {"answer": "由发榜方组织。", "version": "0"},
        "SELECT count(*) = 1 FROM question_answer WHERE question_id = %s",
        question,
    )


def bid_for(run: Run, challenge: str) -> None:
    for bidder in run.cast.bidders:
        _bid(run, challenge, bidder)
    _replace(run, challenge, run.cast.bidders[1])
    _bid_together(run, challenge, run.cast.bidders[0], run.cast.partner)


def bid_of(run: Run, challenge: str, bidder: Company) -> Any:
    return run.value(
        "SELECT id FROM bid WHERE challenge_id = %s AND organization_id = %s AND state <> 'withdrawn'",
        challenge,
        bidder.id,
    )


def _requirements(run: Run, challenge: str) -> list[str]:
    return run.values("SELECT id FROM requirement WHERE challenge_id = %s ORDER BY position", challenge)


def _bid(run: Run, challenge: str, bidder: Company) -> None:
    run.act(
        "beginning of a bid",
        bidder.email,
        f"/challenges/{challenge}/bids/new",
        {},
        "SELECT count(*) = 1 FROM bid WHERE challenge_id = %s AND organization_id = %s",
        challenge,
        bidder.id,
    )
    bid = bid_of(run, challenge, bidder)
    run.act(
        "bid",
        bidder.email,
        f"/bids/{bid}",
        _written(run, bid, "定向凝固", (bidder.id, _requirements(run, challenge))),
        "SELECT count(*) >= 1 FROM bid_receipt WHERE bid_id = %s AND act = 'submitted'",
        bid,
    )


def _replace(run: Run, challenge: str, bidder: Company) -> None:
    bid = bid_of(run, challenge, bidder)
    run.act(
        "replacement",
        bidder.email,
        f"/bids/{bid}",
        _written(run, bid, "改用籽晶法", (bidder.id, _requirements(run, challenge)), action="save"),
        "SELECT count(*) = 1 FROM bid_receipt WHERE bid_id = %s AND act = 'replaced'",
        bid,
    )


def _bid_together(run: Run, challenge: str, lead: Company, partner: Company) -> None:
    bid = bid_of(run, challenge, lead)
    run.act(
        "invitation",
        lead.email,
        f"/bids/{bid}/members",
        {"organization_id": partner.id},
        "SELECT count(*) = 1 FROM bid_member WHERE bid_id = %s AND organization_id = %s",
        bid,
        partner.id,
    )
    run.act(
        "confirmation",
        partner.email,
        f"/bids/{bid}/answer",
        {"answer": "confirm"},
        "SELECT count(*) = 1 FROM bid_member WHERE bid_id = %s AND organization_id = %s AND state = 'confirmed'",
        bid,
        partner.id,
    )
    first, *others = _requirements(run, challenge)
    run.act(
        "bid of two",
        lead.email,
        f"/bids/{bid}",
        _written(run, bid, "联合方案", (lead.id, [first]), (partner.id, others)),
        "SELECT state = 'submitted' FROM bid WHERE id = %s",
        bid,
    )


def _written(
    run: Run, bid: Any, plan: str, *parts: tuple[str, list[str]], action: str = "submit"
) -> Callable[[], Fields]:
    """The whole form of a bid; `parts`: an organization and the requirements it answers for."""

    def fields() -> Fields:
        written: Fields = {
            "technical_plan": plan,
            "ability": "获授权专利12项。",
            "contact_name": "陈工",
            "contact_phone": "0571-80000000",
            # Read when it is sent: the page would have been loaded again.
            "revision": str(run.value("SELECT revision FROM bid WHERE id = %s", bid)),
            "action": action,
            "people-0-name": "陈工",
            "people-0-title": "高级工程师",
            "people-0-role": "项目负责人",
            "people-0-person_months": "12",
        }
        for place, (name, begin, end, deliverable) in enumerate(STEPS):
            written |= {
                f"steps-{place}-name": name,
                f"steps-{place}-from_month": begin,
                f"steps-{place}-to_month": end,
                f"steps-{place}-deliverable": deliverable,
            }
        for place, (organization, requirements) in enumerate(parts):
            written |= {
                f"parts-{place}-organization_id": organization,
                f"parts-{place}-role_text": "分工",
                f"parts-{place}-requirement_ids": requirements,
                f"parts-{place}-budget_wan": "200",
                f"parts-{place}-years-0": "120",
                f"parts-{place}-years-1": "80",
            }
        return written

    return fields


def open_bids(run: Run, challenge: str) -> None:
    """The deadline passes, the worker finds it at one of its ticks, and two officers open what is sealed."""
    run.database.execute(
        "UPDATE challenge SET deadline_at = clock_timestamp() - interval '1 second' WHERE id = %s",
        (challenge,),
    )
    run.wait("closing", "SELECT state = 'closed' FROM challenge WHERE id = %s", challenge)
    run.act(
        "asking for the opening",
        run.cast.officers[0],
        f"/challenges/{challenge}/bids/open",
        {},
        "SELECT count(*) = 1 FROM bid_opening WHERE challenge_id = %s",
        challenge,
    )
    run.act(
        "opening",
        run.cast.officers[1],
        f"/challenges/{challenge}/bids/open",
        {},
        "SELECT c.bids_opened_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bid b WHERE b.challenge_id = c.id"
        " AND b.state = 'submitted' AND b.sealed_content IS NOT NULL) FROM challenge c WHERE c.id = %s",
        challenge,
    )
