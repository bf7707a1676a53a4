"""The way of a final acceptance."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances.models import AcceptanceState, FinalAcceptance
from challenges.contracts.models import Contract
from challenges.contracts.states import roles_in
from core.actor import Actor
from core.states import Machine, Role, Transition

ASKED, ACCEPTED = AcceptanceState.ASKED, AcceptanceState.ACCEPTED
REFUSED, CONFIRMED = AcceptanceState.REFUSED, AcceptanceState.CONFIRMED
POSTER = frozenset({Role.POSTER})
OFFICER = frozenset({Role.OFFICER})


def _stamp_answer(acceptance: FinalAcceptance, now: datetime) -> None:
    acceptance.answered_at = now


def _stamp_confirmation(acceptance: FinalAcceptance, now: datetime) -> None:
    acceptance.confirmed_at = now


async def _present_roles(session: AsyncSession, actor: Actor, acceptance: FinalAcceptance) -> frozenset[Role]:
    return await roles_in(session, actor, await session.get_one(Contract, acceptance.contract_id))


ACCEPTANCE = Machine[FinalAcceptance, AcceptanceState](
    noun="final_acceptance",
    states=AcceptanceState,
    initial=ASKED,
    transitions=(
        Transition(ASKED, ACCEPTED, POSTER, "acceptance.accepted", effect=_stamp_answer),
        Transition(ASKED, REFUSED, POSTER, "acceptance.refused", needs_note=True, effect=_stamp_answer),
        Transition(ACCEPTED, CONFIRMED, OFFICER, "acceptance.confirmed", effect=_stamp_confirmation),
        # The officer does not follow the poster.
        Transition(ACCEPTED, REFUSED, OFFICER, "acceptance.refused", needs_note=True),
    ),
    roles_of=_present_roles,
    locked=("state", "contract_id"),
    note_column="state_note",
)
