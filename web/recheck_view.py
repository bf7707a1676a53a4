"""What a recheck of the quota found, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from challenges.consortia.models import QuotaRecheck
from challenges.consortia.wording import part_names
from core.i18n import gettext as _
from solvers.organizations.models import OrganizationKind, SizeClass
from web.labels import label


def change_text(change: Mapping[str, Any]) -> str:
    name = change["name"]
    match change["what"]:
        case "left":
            return _("%(name)s has left.", name=name)
        case "kind":
            kinds = {side: label(OrganizationKind(change[side])) for side in ("before", "after")}
            return _("%(name)s: %(before)s became %(after)s.", name=name, **kinds)
        case "size":
            sizes = {
                side: label(SizeClass(change[side])) if change[side] else _("without a size")
                for side in ("before", "after")
            }
            return _("%(name)s: %(before)s became %(after)s.", name=name, **sizes)
        case "verification":
            return _("%(name)s is not verified any more.", name=name)
        case _other:
            return _(
                "%(name)s: controlled by %(after)s; before: %(before)s.",
                name=name,
                before=change["before"] or _("nobody"),
                after=change["after"] or _("nobody"),
            )


def broken_text(recheck: QuotaRecheck) -> str:
    """Names of the parts of the quota that those who remain do not keep."""
    parts = recheck.quota.get("parts", {})
    return part_names(name for name, part in parts.items() if not part["holds"])
