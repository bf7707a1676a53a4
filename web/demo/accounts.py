"""Accounts of the demonstration: one per role, and a second officer for what takes two."""

from dataclasses import dataclass
from typing import Any

from core.accounts.models import PlatformRole
from core.i18n import lazy_gettext as _
from core.settings import Settings

# Known to everybody on purpose: these accounts exist in the demonstration alone.
DEMO_PASSWORD = "jiebang-demo"  # noqa: S105


@dataclass(frozen=True)
class DemoAccount:
    email: str
    name: str
    role: Any
    hint: Any
    platform_roles: frozenset[PlatformRole] = frozenset()
    organization_key: str | None = None


DEMO_ACCOUNTS = (
    DemoAccount(
        "poster@demo.example",
        "卫思远",
        _("Large enterprise (poster)"),
        _("See who can solve a challenge, prepare a consortium, post a new challenge."),
        organization_key="p-a01",
    ),
    DemoAccount(
        "sme@demo.example",
        "沈知行",
        _("Small enterprise (solver)"),
        _("See the challenges that fit best and why, keep the profile, bid."),
        organization_key="s-0102-001",
    ),
    DemoAccount(
        "institute@demo.example",
        "梁清越",
        _("Research institute (solver)"),
        _("Confirm or decline the part in a partner's bid."),
        organization_key="s-0102-012",
    ),
    DemoAccount(
        "officer@demo.example",
        "顾明谦",
        _("Program officer"),
        _("Screen submitted challenges, decide on consortia, set quota rules."),
        frozenset({PlatformRole.OFFICER}),
    ),
    DemoAccount(
        "officer2@demo.example",
        "邵静仪",
        _("Second program officer"),
        _("Works in the same programs: see that two people cannot decide differently."),
        frozenset({PlatformRole.OFFICER}),
    ),
    DemoAccount(
        "reviewer@demo.example",
        "温若川",
        _("Reviewer"),
        _("Declare whether there is a conflict of interest, then score bids."),
        frozenset({PlatformRole.REVIEWER}),
    ),
    DemoAccount(
        "admin@demo.example",
        "薛允之",
        _("Administrator"),
        _("Verify organizations, manage accounts."),
        frozenset({PlatformRole.ADMINISTRATOR}),
    ),
)


def print_accounts(settings: Settings, *, seconds: float) -> None:
    """What the terminal shows once the demo is up."""
    print(f"\nJiebang is ready after {seconds:.0f} s:  {settings.public_url}\n")
    print(f"  {'password of every account':<28}{DEMO_PASSWORD}")
    for account in DEMO_ACCOUNTS:
        print(f"  {account.email:<28}{account.role}")
    print("\nStop with Ctrl-C.", flush=True)
