"""The form of an expert."""

import re
from dataclasses import dataclass
from typing import Any

from wtforms import BooleanField, SelectMultipleField, StringField, TextAreaField, validators

from challenges.experts.models import Expert
from core.clock import shanghai_today
from core.forms import BaseForm, Email, MaxLength, Required
from core.i18n import lazy_gettext as _
from solvers.fields import subfield_choices

MAX_PAST_EMPLOYERS = 20
# "华东重型装备集团，2022": a name, any comma, the last year there.
LINE = re.compile(r"^(?P<name>.+?)[\s,，;；]+(?P<year>\d{4})\s*年?$")


@dataclass(frozen=True)
class Past:
    name: str
    until_year: int


def typed_past(line: str) -> Past:
    """An earlier employer as somebody writes it; raises ValueError with what is wrong."""
    found = LINE.match(line)
    if found is None:
        raise ValueError(_("Write a name and the last year there: %(line)s", line=line))
    past = Past(found["name"].strip(), int(found["year"]))
    if not 1950 <= past.until_year <= shanghai_today().year:
        raise ValueError(_("The year is not plausible: %(line)s", line=line))
    return past


class PastEmployersField(TextAreaField):
    """One a line: name and the last year there. What cannot be read stays as it was typed."""

    data: Any

    def process_data(self, value: Any) -> None:
        self.data = list(value or [])
        self.typed = "\n".join(f"{item.name}，{item.until_year}" for item in self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = valuelist[0] if valuelist else ""
        self.data = []
        for line in filter(None, (line.strip() for line in self.typed.splitlines())):
            self.data.append(typed_past(line))

    def _value(self) -> str:
        return self.typed


def _choices() -> list[tuple[str, str]]:
    return [pair for _name, pairs in subfield_choices() for pair in pairs]


class ExpertForm(BaseForm):
    name = StringField(_("Name"), [Required(), MaxLength(200)])
    email = StringField(_("E-mail"), [Required(), Email(), MaxLength(254)])
    employer = StringField(_("Employer"), [Required(), MaxLength(200)])
    title = StringField(_("Professional title"), [MaxLength(100)])
    fields = SelectMultipleField(_("Technology fields"), choices=_choices, validate_choice=True)
    strengths = TextAreaField(_("What this expert knows well"), [MaxLength(2000)])
    is_enterprise = BooleanField(_("Enterprise expert"))
    past_employers = PastEmployersField(_("Earlier employers"))

    def validate_past_employers(self, field: PastEmployersField) -> None:
        if len(field.data) > MAX_PAST_EMPLOYERS:
            raise validators.ValidationError(_("At most %(limit)s lines.", limit=MAX_PAST_EMPLOYERS))
        if any(len(item.name) > 200 for item in field.data):
            raise validators.ValidationError(_("A line has at most %(limit)s characters.", limit=200))


def data_of(expert: Expert) -> dict[str, Any]:
    """What the form of an expert shows."""
    return {
        "name": expert.person.name,
        "email": expert.person.email,
        "employer": expert.employer,
        "title": expert.title,
        "fields": list(expert.fields),
        "strengths": expert.strengths,
        "is_enterprise": expert.is_enterprise,
        "past_employers": [Past(item.organization_name, item.until_year) for item in expert.past_employers],
    }
