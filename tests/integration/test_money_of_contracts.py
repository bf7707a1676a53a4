"""Whatever is edited, amended, signed and accepted, in whatever order: a team is promised its money, no more, no less."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from challenges.contracts import policies, service, signing
from challenges.contracts.content import Stage
from challenges.contracts.models import VersionState
from challenges.contracts.queries import contract_by_id
from challenges.contracts.standing import book_of
from challenges.milestones import service as milestones
from challenges.milestones.models import MilestoneState
from challenges.milestones.queries import milestones_of
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.settings import Settings
from tests.factories import Factory
from tests.integration.contracting import PDF, Award, at_work

MONEY_WAN = Decimal(200)

# Shares of the money in hundredths of 万元; what is left or too much falls to the last milestone where it is balanced.
EDITS = st.tuples(
    st.just("edit"),
    st.lists(st.integers(0, 15_000), min_size=1, max_size=4),
    st.sets(st.integers(0, 3), max_size=2),
    st.sampled_from([True, True, True, False]),
)
STEPS = st.one_of(
    EDITS,
    st.tuples(st.just("amend")),
    st.tuples(st.just("offer")),
    st.tuples(st.just("sign"), st.integers(0, 2)),
    st.tuples(st.just("sign all")),
    st.tuples(st.just("changes"), st.integers(0, 2)),
    st.tuples(st.just("drop")),
    st.tuples(st.just("accept"), st.integers(0, 3)),
    st.tuples(st.just("report"), st.integers(0, 3)),
)


class Money:
    """A contract that is carried out, and what its parties do with it."""

    def __init__(self, case: Award, contract_id: uuid.UUID, settings: Settings) -> None:
        self.case, self.session, self.settings = case, case.session, settings
        self.contract_id, self.parties = contract_id, case.parties()
        self.poster, self.lead, _member = self.parties

    async def take(self, step: tuple[Any, ...]) -> None:
        name, *rest = step
        await getattr(self, name.replace(" ", "_"))(*rest)

    async def amend(self) -> None:
        await service.begin_amendment(self.session, self.poster, self.contract_id, "调整经费")

    async def edit(self, cents: list[int], dropped: set[int], is_balanced: bool) -> None:
        contract = await self.contract()
        version = policies.open_version(contract)
        if version is None:
            raise ConflictError("nothing to edit")
        book = book_of(version)
        kept = [stage for place, stage in enumerate(book.stages) if place not in dropped]
        payments = [Decimal(item) / 100 for item in cents]
        if is_balanced:
            payments[-1] = book.total_wan - sum(payments[:-1], Decimal(0))
        while len(kept) < len(payments):
            kept.append(Stage(uuid.uuid4(), "追加", "样件", 0, Decimal(0)))
        stages = tuple(
            replace(stage, days=30 * (place + 1), payment_wan=payment)
            for place, (stage, payment) in enumerate(zip(kept, payments, strict=False))
        )
        await service.save_draft(
            self.session, self.poster, self.contract_id, {"stages": stages}, version.revision
        )

    async def offer(self) -> None:
        await service.offer_contract(self.session, self.settings, self.poster, self.contract_id)

    async def sign(self, place: int) -> None:
        version = policies.open_version(await self.contract())
        await signing.sign_contract(
            self.session,
            self.settings,
            self.parties[place],
            self.contract_id,
            sha256=(version.sha256 if version else None) or "",
            name="签字页.pdf",
            content=PDF,
        )

    async def sign_all(self) -> None:
        for place in range(3):
            await self.sign(place)

    async def changes(self, place: int) -> None:
        await signing.ask_for_changes(self.session, self.parties[place], self.contract_id, "请修改")

    async def drop(self) -> None:
        await service.drop_amendment(self.session, self.poster, self.contract_id)

    async def report(self, place: int) -> None:
        await milestones.report_milestone(
            self.session, self.settings, self.lead, await self.milestone(place), "完成"
        )

    async def accept(self, place: int) -> None:
        key = await self.milestone(place)
        await milestones.report_milestone(self.session, self.settings, self.lead, key, "完成")
        await milestones.answer_report(self.session, self.poster, key, accept=True)

    async def milestone(self, place: int) -> uuid.UUID:
        found = await milestones_of(self.session, self.contract_id)
        if place >= len(found):
            raise ConflictError("no such milestone")
        return found[place].id

    async def contract(self) -> Any:
        contract = await contract_by_id(self.session, self.contract_id, lock=True)
        assert contract is not None
        return contract

    async def check(self) -> None:
        contract = await self.contract()
        for version in contract.versions:
            if version.state is not VersionState.DRAFT and version.offered_at is not None:
                book = book_of(version)
                if version.state in policies.SHOWN:
                    assert book.payments_wan == book.total_wan == MONEY_WAN
        in_force = policies.version_in_force(contract)
        assert in_force is not None
        promised = [
            item
            for item in await milestones_of(self.session, self.contract_id)
            if item.state is not MilestoneState.CANCELLED
        ]
        assert sum(item.payment_wan for item in promised) == MONEY_WAN
        assert {item.key: item.payment_wan for item in promised} == {
            stage.key: stage.payment_wan for stage in book_of(in_force).stages
        }


@pytest.fixture
async def money(make: Factory, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Money:
    case, (contract,) = await at_work(make, settings)
    # The document is made of the same text; setting it is of no interest here.
    monkeypatch.setattr(service, "_typeset", lambda book, *rest: b"%PDF-1.7 " + repr((book, rest)).encode())
    return Money(case, contract.id, settings)


async def walk(money: Money, steps: list[tuple[Any, ...]]) -> list[str]:
    """Names of the steps that the service took; after each of them the money is right."""
    taken = []
    for step in steps:
        savepoint = await money.session.begin_nested()
        try:
            await money.take(step)
            await money.session.flush()
        except (ConflictError, ForbiddenError, InvalidError):
            await savepoint.rollback()
        else:
            await savepoint.commit()
            taken.append(step[0])
        money.session.expire_all()
        await money.check()
    return taken


@given(steps=st.lists(STEPS, min_size=4, max_size=14))
@hypothesis_settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_payments_are_the_teams_money_after_whatever_is_accepted(
    money: Money, steps: list[tuple[Any, ...]]
) -> None:
    example = await money.session.begin_nested()
    try:
        # An amendment is what all the others are about.
        taken = await walk(money, [("amend",), *steps])
        event("amended and signed" if "sign all" in taken or "sign" in taken else "not signed")
    finally:
        await example.rollback()
        money.session.expire_all()


@pytest.mark.parametrize("is_dropped", [False, True])
async def test_a_milestone_accepted_while_its_amendment_is_offered_is_not_signed_over(
    is_dropped: bool, money: Money
) -> None:
    dropped = {0} if is_dropped else set()
    begun = [("amend",), ("edit", [8_000, 0], dropped, True), ("offer",), ("sign", 0), ("accept", 0)]
    assert await walk(money, begun) == [step[0] for step in begun]
    with pytest.raises(ConflictError, match="中期检查"):
        await money.sign(1)
    # The way on: the version goes back, and the accepted milestone stays in it as it is.
    assert await walk(money, [("changes", 1), ("drop",), ("amend",), ("offer",), ("sign all",)]) == [
        "changes",
        "drop",
        "amend",
        "offer",
        "sign all",
    ]


@pytest.mark.parametrize("cents", [[20_100, 0], [9_999, 9_999], [0]])
async def test_sums_that_are_not_the_teams_money_and_payments_below_nothing_are_not_offered(
    cents: list[int], money: Money
) -> None:
    is_balanced = cents[0] > 20_000
    await money.amend()
    await money.edit(cents, set(), is_balanced)
    with pytest.raises(InvalidError):
        await money.offer()
