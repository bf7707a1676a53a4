"""What the parties of a contract and the officers are told."""

import uuid
from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts import policies, queries
from challenges.contracts.models import Contract
from core.actor import Actor
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Check, Group, Kind, declare
from core.notifications.models import Delivery, Notification
from solvers.organizations.acting import actors_of


async def contract_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """The check of kinds whose subject is a contract."""
    return await _visible(session, person_id, told, policies.may_see_contract)


async def every_contract_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """The check of what is between the poster and the officers, and hidden from the team."""
    return await _visible(
        session,
        person_id,
        told,
        lambda actor, contract, _members: policies.may_see_all(actor, contract.challenge),
    )


async def _visible(
    session: AsyncSession,
    person_id: uuid.UUID,
    told: Sequence[Notification],
    may_see: Callable[[Actor, Contract, frozenset[uuid.UUID]], bool],
) -> set[uuid.UUID]:
    actors = await actors_of(session, person_id)
    visible: set[uuid.UUID] = set()
    for contract_id in {item.subject_id for item in told}:
        contract = await queries.contract_by_id(session, contract_id)
        if contract is None:
            continue
        members = await queries.member_ids(session, contract.consortium_id)
        if any(may_see(actor, contract, members) for actor in actors):
            visible.add(contract_id)
    return {item.id for item in told if item.subject_id in visible}


CONTRACTS = Group("contracts", _("Contracts and milestones"))
TITLE = "轧机主传动轴承寿命预测"
WHO = "华东重型装备集团"


def contract_kind(
    name: str,
    label: object,
    subject: object,
    text: object,
    audience: Audience,
    *,
    page: str = "",
    visible: Check = contract_is_visible,
    **example: str,
) -> Kind:
    """Declare a kind whose subject is a contract; `page` is the part of the contract's pages that it leads to."""
    return declare(
        Kind(
            name=name,
            group=CONTRACTS,
            label=label,
            subject=subject,
            text=text,
            link=f"/contracts/{{subject_id}}{page}",
            delivery=Delivery.AT_ONCE,
            audience=audience,
            visible=visible,
            example={"title": TITLE, **example},
        )
    )


DRAFTED = contract_kind(
    "contract.drafted",
    _("A contract of ours can be written"),
    _("Write the contract: %(title)s"),
    _(
        "The notice of “%(title)s” is over. The contract with team %(team)s is made: complete it and offer it for signing."
    ),
    Audience.ORGANIZATION,
    team="1",
)
OFFERED = contract_kind(
    "contract.offered",
    _("A contract waits for our signature"),
    _("Sign the contract: %(title)s"),
    _(
        "%(who)s offers the contract for “%(title)s” (version %(version)s). Read it, and sign it until %(until_at)s."
    ),
    Audience.ORGANIZATION,
    who=WHO,
    version="1",
    until_at="2027-01-31T16:00:00+00:00",
)
CHANGES_ASKED = contract_kind(
    "contract.changes_asked",
    _("Changes of a contract are asked for"),
    _("Changes asked for: %(title)s"),
    _("%(who)s asks for changes of the contract for “%(title)s”:\n\n%(note)s"),
    Audience.ORGANIZATION,
    who=WHO,
    note="请将第二个里程碑延后两个月。",
)
PARTY_SIGNED = contract_kind(
    "contract.party_signed",
    _("Another party has signed our contract"),
    _("%(who)s has signed: %(title)s"),
    _(
        "%(who)s has signed the contract for “%(title)s” (version %(version)s). %(missing)s signatures are missing."
    ),
    Audience.ORGANIZATION,
    who=WHO,
    version="1",
    missing="2",
)
SIGNED = contract_kind(
    "contract.signed",
    _("A contract is signed by all"),
    _("Signed by all parties: %(title)s"),
    _("All parties have signed the contract for “%(title)s” (version %(version)s)."),
    Audience.EVERYBODY,
    version="1",
)
BEGUN = contract_kind(
    "contract.begun",
    _("The work of our contract begins"),
    _("The work begins: %(title)s"),
    _(
        "From today on the work on “%(title)s” is under way. Milestones and their dates stand in the contract."
    ),
    Audience.ORGANIZATION,
)
ENDED = contract_kind(
    "contract.ended",
    _("A contract has ended early"),
    _("Contract ended: %(title)s"),
    _("The contract with team %(team)s for “%(title)s” has ended early:\n\n%(note)s"),
    Audience.EVERYBODY,
    team="1",
    note="团队自愿退出。",
)
SIGNING_OVERDUE = contract_kind(
    "contract.signing_overdue",
    _("A contract is not signed in time"),
    _("Not signed in time: %(title)s"),
    _(
        "The contract with team %(team)s for “%(title)s” should have been signed by %(until_at)s. Missing: %(missing)s."
    ),
    Audience.EVERYBODY,
    team="1",
    until_at="2027-01-31T16:00:00+00:00",
    missing="热障涂层科技",
)
