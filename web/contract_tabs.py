"""The pages of one contract, shown as links above them."""

from challenges.contracts.models import Contract
from core.i18n import gettext


def tabs_of(contract: Contract) -> list[tuple[str, str]]:
    """Address and text; milestones and acceptance are there once it is signed."""
    root = f"/contracts/{contract.id}"
    if contract.signed_at is None:
        return []
    return [
        (root, gettext("Contract text")),
        (f"{root}/milestones", gettext("Milestones")),
        (f"{root}/acceptance", gettext("Final acceptance")),
    ]
