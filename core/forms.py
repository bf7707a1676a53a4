"""What all forms share: translated messages, common validators, errors that come back from a use case."""

from collections.abc import Mapping
from typing import Any

from wtforms import Form, validators

from core.i18n import current_locale
from core.i18n import lazy_gettext as _


class BaseForm(Form):
    """WTForms with its own built-in messages in the reader's language."""

    class Meta:
        @property
        def locales(self) -> list[str]:
            return ["zh"] if current_locale() == "zh_CN" else ["en"]

    def add_errors(self, errors: Mapping[str, Any]) -> None:
        """Put a use case's messages (`InvalidError.errors`) at the fields they belong to."""
        for name, message in errors.items():
            if name in self:
                self[name].errors = [*self[name].errors, message]
            else:
                self.form_errors.append(message)


class Required(validators.DataRequired):
    def __init__(self) -> None:
        super().__init__(_("Please fill this in."))


class Email(validators.Email):
    def __init__(self) -> None:
        super().__init__(_("This is not an e-mail address."))


class MaxLength(validators.Length):
    def __init__(self, longest: int) -> None:
        super().__init__(max=longest, message=_("At most %(longest)s characters.", longest=longest))
