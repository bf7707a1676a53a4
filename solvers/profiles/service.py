"""Use cases of capability profiles.

Texts are split into terms when they are saved. How is the matcher's affair, which this package does not know: callers
pass it as `tokenize`. It runs in a thread, before anything is locked. The revision is taken before the audit entry is
written, here as everywhere: whoever locks the two in another order may wait for somebody who waits for them.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.actor import Actor
from core.database import database_today
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.revisions import next_revision
from solvers.fields import is_subfield
from solvers.profiles import policies, queries
from solvers.profiles.models import CapabilityProfile, EvidenceItem, EvidenceKind, Visibility
from solvers.profiles.texts import evidence_text, profile_text


class Tokenize(Protocol):
    """Splits a text into terms; tokens of another fingerprint are others."""

    @property
    def fingerprint(self) -> str: ...

    def __call__(self, text: str, /) -> list[str]: ...


COLLECTION = "solvers"
LONGEST_SUMMARY = 3000
LONGEST_TEAM = 3000
LONGEST_EVIDENCE = 3000
LONGEST_TITLE = 200
LONGEST_KEYWORD = 30
MOST_KEYWORDS = 20
# Eight of the 46 subfields already describe nobody; a profile that names more is found everywhere and means nothing.
MOST_SUBFIELDS = 8
# A page and a query carry all items of a profile; more than this belongs on the organization's own site.
MOST_EVIDENCE = 200
# The database's own bound (ck_evidence_item_year_plausible).
FIRST_YEAR = 1950


@dataclass(frozen=True, kw_only=True)
class ProfileData:
    summary: str = ""
    team: str = ""
    keywords: Sequence[str] = ()
    subfield_codes: Sequence[str] = ()
    visibility: Visibility = Visibility.PUBLIC


@dataclass(frozen=True, kw_only=True)
class EvidenceData:
    kind: EvidenceKind
    title: str
    text: str = ""
    year: int | None = None
    keywords: Sequence[str] = ()


async def save_profile(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    data: ProfileData,
    *,
    tokenize: Tokenize,
) -> CapabilityProfile:
    """Write everything of a profile but its evidence; raises InvalidError by field."""
    _require_editor(actor, organization_id)
    values = _checked_profile(data)
    tokens = await _tokens(tokenize, profile_text(values["summary"], values["team"], values["keywords"]))
    profile = await queries.profile_to_change(session, organization_id)
    changes = _write(profile, values)
    profile.tokens, profile.tokenizer = tokens, tokenize.fingerprint
    profile.index_revision = await next_revision(session, COLLECTION)
    await audit.record(session, actor, "profile.saved", "organization", organization_id, changes)
    return profile


async def save_evidence(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    data: EvidenceData,
    *,
    tokenize: Tokenize,
    evidence_id: uuid.UUID | None = None,
) -> EvidenceItem:
    """Add an evidence item, or rewrite the one with this id; raises InvalidError by field."""
    _require_editor(actor, organization_id)
    values = _checked_evidence(data, last_year=(await database_today(session)).year)
    tokens = await _tokens(tokenize, evidence_text(values["title"], values["text"], values["keywords"]))
    profile = await queries.profile_to_change(session, organization_id)
    if evidence_id is None:
        if len(profile.evidence) >= MOST_EVIDENCE:
            raise ConflictError(_("A profile holds at most %(most)s evidence items.", most=MOST_EVIDENCE))
        item = EvidenceItem(id=uuid.uuid4(), **values)
        profile.evidence.append(item)
        changes = {name: [None, value] for name, value in values.items()}
    else:
        item = _item_of(profile, evidence_id)
        changes = _write(item, values)
    item.tokens, item.tokenizer = tokens, tokenize.fingerprint
    profile.index_revision = await next_revision(session, COLLECTION)
    action = "evidence.added" if evidence_id is None else "evidence.saved"
    await audit.record(
        session, actor, action, "organization", organization_id, {"evidence_id": item.id, **changes}
    )
    return item


async def delete_evidence(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, evidence_id: uuid.UUID
) -> CapabilityProfile:
    _require_editor(actor, organization_id)
    profile = await queries.profile_to_change(session, organization_id)
    item = _item_of(profile, evidence_id)
    profile.evidence.remove(item)
    profile.index_revision = await next_revision(session, COLLECTION)
    await audit.record(
        session,
        actor,
        "evidence.deleted",
        "organization",
        organization_id,
        {"evidence_id": evidence_id, "kind": [item.kind, None], "title": [item.title, None]},
    )
    return profile


def _require_editor(actor: Actor, organization_id: uuid.UUID) -> None:
    if not policies.may_edit_profile(actor, organization_id):
        raise ForbiddenError(_("Only owners and editors of an organization change its profile."))


def _item_of(profile: CapabilityProfile, evidence_id: uuid.UUID) -> EvidenceItem:
    item = next((each for each in profile.evidence if each.id == evidence_id), None)
    if item is None:
        raise NotFoundError(_("There is no such evidence item; perhaps it was deleted meanwhile."))
    return item


async def _tokens(tokenize: Tokenize, text: str) -> list[str]:
    return await asyncio.to_thread(tokenize, text)


def _write(row: CapabilityProfile | EvidenceItem, values: dict[str, Any]) -> dict[str, Any]:
    """Set attributes; returns what changed as {name: [before, after]}."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            changes[name] = [before, value]
            setattr(row, name, value)
    return changes


def _checked_profile(data: ProfileData) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    values = asdict(data)
    values["summary"] = _checked_text(data.summary, LONGEST_SUMMARY, "summary", errors)
    values["team"] = _checked_text(data.team, LONGEST_TEAM, "team", errors)
    values["keywords"] = _checked_keywords(data.keywords, errors)
    values["subfield_codes"] = sorted(set(data.subfield_codes))
    if not all(is_subfield(code) for code in values["subfield_codes"]):
        errors["subfield_codes"] = _("One of these technology fields does not exist.")
    elif len(values["subfield_codes"]) > MOST_SUBFIELDS:
        errors["subfield_codes"] = _("Choose at most %(most)s fields.", most=MOST_SUBFIELDS)
    if errors:
        raise InvalidError(errors)
    return values


def _checked_evidence(data: EvidenceData, *, last_year: int) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    values = asdict(data)
    values["title"] = _checked_text(" ".join(data.title.split()), LONGEST_TITLE, "title", errors)
    if not values["title"]:
        errors["title"] = _("Please fill this in.")
    values["text"] = _checked_text(data.text, LONGEST_EVIDENCE, "text", errors)
    values["keywords"] = _checked_keywords(data.keywords, errors)
    if data.year is not None and not FIRST_YEAR <= data.year <= last_year:
        errors["year"] = _("A year from %(first)s to %(last)s.", first=FIRST_YEAR, last=last_year)
    if errors:
        raise InvalidError(errors)
    return values


def _checked_text(text: str, longest: int, name: str, errors: dict[str, Any]) -> str:
    # Browsers send line ends as \r\n, which would count and differ from what was imported.
    text = text.replace("\r\n", "\n").strip()
    if "\x00" in text:
        errors[name] = _("This holds a character that cannot be stored.")
    elif len(text) > longest:
        errors[name] = _("At most %(longest)s characters.", longest=longest)
    return text


def _checked_keywords(keywords: Sequence[str], errors: dict[str, Any]) -> list[str]:
    checked = list(dict.fromkeys(" ".join(word.split()) for word in keywords if word.strip()))
    too_long = next((word for word in checked if len(word) > LONGEST_KEYWORD), None)
    if any("\x00" in word for word in checked):
        errors["keywords"] = _("This holds a character that cannot be stored.")
    elif too_long is not None:
        errors["keywords"] = _(
            "“%(word)s” is too long for a keyword: at most %(longest)s characters.",
            word=too_long,
            longest=LONGEST_KEYWORD,
        )
    elif len(checked) > MOST_KEYWORDS:
        errors["keywords"] = _("At most %(most)s keywords.", most=MOST_KEYWORDS)
    return checked
