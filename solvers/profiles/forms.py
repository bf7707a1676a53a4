"""Forms of capability profiles."""

import re
import secrets
from collections.abc import Sequence
from typing import Any

from wtforms import (
    Field,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.widgets import TextInput

from core.forms import BaseForm, MaxLength, Required
from core.i18n import lazy_gettext as _
from solvers.fields import SUBFIELDS
from solvers.profiles.models import CapabilityProfile, EvidenceItem, EvidenceKind, Visibility
from solvers.profiles.service import (
    LONGEST_EVIDENCE,
    LONGEST_SUMMARY,
    LONGEST_TEAM,
    LONGEST_TITLE,
    EvidenceData,
    ProfileData,
)

# People separate words by what their keyboard offers; a blank may be part of a keyword ("machine vision").
SEPARATOR = re.compile(r"[,，、;；\n]+")


def split_keywords(text: str) -> list[str]:
    """The keywords of a typed line, each once, in their order.

    >>> split_keywords("热障涂层、machine vision， 热障涂层;")
    ['热障涂层', 'machine vision']
    """
    return list(dict.fromkeys(word.strip() for word in SEPARATOR.split(text) if word.strip()))


class KeywordsField(Field):
    """Keywords typed in one line; a script makes tags of them."""

    widget = TextInput()
    data: list[str]

    def _value(self) -> str:
        return "、".join(self.data or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = split_keywords("、".join(str(value) for value in valuelist))


class ProfileForm(BaseForm):
    summary = TextAreaField(_("What you can do"), [MaxLength(LONGEST_SUMMARY)])
    team = TextAreaField(_("Team"), [MaxLength(LONGEST_TEAM)])
    keywords = KeywordsField(_("Keywords"), render_kw={"data-tags": "", "autocomplete": "off"})
    subfield_codes = SelectMultipleField(
        _("Technology fields"),
        choices=[(code, code) for code in SUBFIELDS],
    )
    visibility = RadioField(
        _("Who may read the profile"),
        choices=[(member.value, member.value) for member in Visibility],
        default=Visibility.PUBLIC.value,
    )

    @classmethod
    def of(cls, profile: CapabilityProfile | None) -> "ProfileForm":
        if profile is None:
            return cls()
        return cls(
            data={
                "summary": profile.summary,
                "team": profile.team,
                "keywords": profile.keywords,
                "subfield_codes": profile.subfield_codes,
                "visibility": profile.visibility.value,
            }
        )

    def profile_data(self) -> ProfileData:
        return ProfileData(
            summary=self.summary.data or "",
            team=self.team.data or "",
            keywords=self.keywords.data or [],
            subfield_codes=self.subfield_codes.data or [],
            visibility=Visibility(self.visibility.data),
        )


class EvidenceForm(BaseForm):
    kind = SelectField(_("Kind"), default=EvidenceKind.CAPABILITY.value)
    title = StringField(_("Title"), [Required(), MaxLength(LONGEST_TITLE)])
    year = IntegerField(
        _("Year"), [validators.Optional()], render_kw={"inputmode": "numeric", "autocomplete": "off"}
    )
    text = TextAreaField(_("What it shows"), [MaxLength(LONGEST_EVIDENCE)])
    keywords = KeywordsField(_("Keywords"), render_kw={"data-tags": "", "autocomplete": "off"})

    def __init__(self, formdata: Any = None, *, kinds: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(formdata, **options)
        self.kind.choices = list(kinds)
        # Several of these forms may be open in one page, beside the profile's own.
        suffix = secrets.token_hex(4)
        for field in self:
            field.id = field.label.field_id = f"{field.name}-{suffix}"

    @classmethod
    def of(cls, item: EvidenceItem, *, kinds: Sequence[tuple[str, str]]) -> "EvidenceForm":
        values = {
            "kind": item.kind.value,
            "title": item.title,
            "year": item.year,
            "text": item.text,
            "keywords": item.keywords,
        }
        return cls(kinds=kinds, data=values)

    def evidence_data(self) -> EvidenceData:
        return EvidenceData(
            kind=EvidenceKind(self.kind.data),
            title=self.title.data or "",
            text=self.text.data or "",
            year=self.year.data,
            keywords=self.keywords.data or [],
        )
