"""Forms of accounts."""

from wtforms import BooleanField, PasswordField, SelectMultipleField, StringField, validators

from core.accounts.models import Person, PlatformRole
from core.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from core.forms import BaseForm, Email, Required
from core.i18n import lazy_gettext as _

PASSWORD_LENGTH = validators.Length(
    min=MIN_LENGTH,
    max=MAX_LENGTH,
    message=_("A password has %(min)s to %(max)s characters.", min=MIN_LENGTH, max=MAX_LENGTH),
)


class NewPasswordForm(BaseForm):
    password = PasswordField(
        _("New password"), [Required(), PASSWORD_LENGTH], render_kw={"autocomplete": "new-password"}
    )
    repeated = PasswordField(
        _("New password again"),
        [validators.EqualTo("password", message=_("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )


class ChangePasswordForm(NewPasswordForm):
    current = PasswordField(
        _("Present password"), [Required()], render_kw={"autocomplete": "current-password"}
    )


class ForgottenPasswordForm(BaseForm):
    email = StringField(
        _("E-mail"), [Required(), Email()], render_kw={"autocomplete": "email", "type": "email"}
    )


class PersonRolesForm(BaseForm):
    """What an administrator sets of a person's account."""

    roles = SelectMultipleField(
        _("Roles on the platform"),
        choices=[
            (PlatformRole.OFFICER.value, _("Program officer")),
            (PlatformRole.ADMINISTRATOR.value, _("Administrator")),
            (PlatformRole.REVIEWER.value, _("Reviewer")),
        ],
    )
    is_disabled = BooleanField(_("Disabled: cannot log in"))

    @classmethod
    def of(cls, person: Person) -> "PersonRolesForm":
        roles = [item.role.value for item in person.roles]
        return cls(data={"roles": roles, "is_disabled": person.is_disabled})

    def chosen(self) -> frozenset[PlatformRole]:
        return frozenset(PlatformRole(value) for value in self.roles.data or [])
