"""Forms of organizations and their people."""

import uuid
from datetime import date
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)

from core.accounts.forms import PASSWORD_LENGTH
from core.forms import BaseForm, Email, MaxLength, Required
from core.i18n import lazy_gettext as _
from solvers.industries import industry_name, typed_industry
from solvers.organizations.facts import (
    CertificateFacts,
    InvitationFacts,
    OrganizationFacts,
    RelationFacts,
)
from solvers.organizations.models import (
    CertificateKind,
    ControlKind,
    MembershipRole,
    Organization,
    OrganizationKind,
    SizeClass,
)
from solvers.organizations.people import NewPerson
from solvers.regions import region_choices

# The size of a controller that is no enterprise, in a select field.
NO_SIZE = "none"

LABELS_OF_KIND = [
    (OrganizationKind.ENTERPRISE.value, _("Enterprise")),
    (OrganizationKind.RESEARCH_INSTITUTE.value, _("Research institute")),
    (OrganizationKind.UNIVERSITY.value, _("University")),
]


def _stripped(value: str | None) -> str | None:
    return value.strip() if value else value


class WanField(DecimalField):
    """An amount in 万元, shown as it would be typed: without trailing zeros."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, [validators.Optional()], places=None, **options)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data:f}".removesuffix(".00")


class OrganizationForm(BaseForm):
    kind = RadioField(
        _("Kind"), [Required()], choices=LABELS_OF_KIND, default=OrganizationKind.ENTERPRISE.value
    )
    name = StringField(_("Full name"), [Required(), MaxLength(200)], filters=[_stripped])
    credit_code = StringField(
        _("Unified social credit code"),
        [Required()],
        filters=[_stripped],
        render_kw={"maxlength": 30, "autocapitalize": "characters", "spellcheck": "false"},
    )
    legal_representative = StringField(
        _("Legal representative"), [Required(), MaxLength(100)], filters=[_stripped]
    )
    region_code = SelectField(_("Region"), [Required()], validate_choice=False)
    address = StringField(_("Address"), [MaxLength(300)], filters=[_stripped])
    website = StringField(
        _("Website"),
        [
            validators.Optional(),
            MaxLength(280),
            validators.Regexp(
                r"^(https?://)?[\w.-]+\.[a-zA-Z\u4e00-\u9fff]{2,}(:\d+)?(/\S*)?$",
                message=_("This is not the address of a website."),
            ),
        ],
        filters=[_stripped],
    )
    industry_code = StringField(
        _("Industry (GB/T 4754-2017)"),
        filters=[_stripped],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    employees = IntegerField(_("Employees"), [validators.Optional()], render_kw={"min": 0})
    revenue_wan = WanField(_("Revenue of last year"), render_kw={"inputmode": "decimal"})
    assets_wan = WanField(_("Total assets"), render_kw={"inputmode": "decimal"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region_code.choices = {"": [("", _("Please choose"))], **dict(region_choices())}

    @classmethod
    def of(cls, organization: Organization) -> "OrganizationForm":
        """The form as the organization's facts would be typed."""
        form = cls(obj=organization)
        form.kind.data = organization.kind.value
        if organization.industry_code:
            form.industry_code.data = (
                f"{organization.industry_code} {industry_name(organization.industry_code)}"
            )
        return form

    def facts(self) -> OrganizationFacts:
        return OrganizationFacts(
            name=self.name.data or "",
            credit_code=self.credit_code.data or "",
            kind=OrganizationKind(self.kind.data),
            region_code=self.region_code.data or "",
            address=self.address.data or "",
            website=self.website.data or "",
            legal_representative=self.legal_representative.data or "",
            industry_code=typed_industry(self.industry_code.data) or None,
            employees=self.employees.data,
            revenue_wan=self.revenue_wan.data,
            assets_wan=self.assets_wan.data,
        )


class AccountFields(BaseForm):
    """What a person who has no account yet types besides the address."""

    person_name = StringField(
        _("Your name"),
        [Required(), MaxLength(100)],
        filters=[_stripped],
        render_kw={"autocomplete": "name"},
    )
    phone = StringField(
        _("Telephone"),
        [
            validators.Optional(),
            validators.Regexp(r"^[0-9+ ()\-]{5,30}$", message=_("This is not a telephone number.")),
        ],
        filters=[_stripped],
        render_kw={"autocomplete": "tel", "inputmode": "tel"},
    )
    password = PasswordField(
        _("Password"), [Required(), PASSWORD_LENGTH], render_kw={"autocomplete": "new-password"}
    )
    repeated = PasswordField(
        _("Password again"),
        [Required(), validators.EqualTo("password", message=_("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )

    def new_person(self, locale: str) -> NewPerson:
        return NewPerson(
            name=self.person_name.data or "",
            phone=self.phone.data or "",
            password=self.password.data or "",
            locale=locale,
        )


class RegistrationForm(AccountFields, OrganizationForm):
    email = StringField(
        _("E-mail"),
        [Required(), Email(), MaxLength(254)],
        filters=[_stripped],
        render_kw={"autocomplete": "email", "type": "email"},
    )


class CertificateForm(BaseForm):
    kind = SelectField(_("Certificate"), [Required()], validate_choice=True)
    number = StringField(_("Number"), [Required(), MaxLength(60)], filters=[_stripped])
    valid_from = DateField(_("Valid from"), [validators.InputRequired(_("Please fill this in."))])
    valid_until = DateField(_("Valid until"), [validators.InputRequired(_("Please fill this in."))])

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", _("Please choose")), *kinds]

    def facts(self) -> CertificateFacts:
        valid_from, valid_until = self.valid_from.data, self.valid_until.data
        assert isinstance(valid_from, date)
        assert isinstance(valid_until, date)
        return CertificateFacts(
            kind=CertificateKind(self.kind.data),
            number=self.number.data or "",
            valid_from=valid_from,
            valid_until=valid_until,
        )


class RelationForm(BaseForm):
    kind = RadioField(_("Relation"), [Required()])
    controller_id = HiddenField()
    controller_name = StringField(_("Name"), [MaxLength(200)], filters=[_stripped])
    controller_size = SelectField(_("Its size"), default="")

    def __init__(
        self, *args: Any, kinds: list[tuple[str, str]], sizes: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = kinds
        self.controller_size.choices = [
            ("", _("Please choose")),
            *sizes,
            (NO_SIZE, _("It is no enterprise")),
        ]

    def validate_controller_size(self, field: SelectField) -> None:
        if self.controller_name.data and not self.controller_id.data and not field.data:
            raise validators.ValidationError(_("Say how large it is."))

    def facts(self) -> RelationFacts:
        size = self.controller_size.data
        return RelationFacts(
            kind=ControlKind(self.kind.data),
            controller_id=_uuid(self.controller_id.data),
            controller_name=self.controller_name.data or "",
            controller_size=SizeClass(size) if size and size != NO_SIZE else None,
        )


class InvitationForm(BaseForm):
    email = StringField(
        _("E-mail"), [Required(), Email(), MaxLength(254)], filters=[_stripped], render_kw={"type": "email"}
    )
    role = SelectField(_("Role"), [Required()], default=MembershipRole.EDITOR.value)

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = roles

    def facts(self) -> InvitationFacts:
        return InvitationFacts(email=self.email.data or "", role=MembershipRole(self.role.data))


class SubmissionForm(BaseForm):
    """Handing in: somebody stands for the completeness of the control relations."""

    declared = BooleanField(
        _("We declare that the facts are true and that the control relations are complete."), [Required()]
    )


class SendBackForm(BaseForm):
    reason = TextAreaField(_("Reason"), [Required(), MaxLength(2000)], filters=[_stripped])


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        # A made-up id: no organization has it, and the use case says so.
        return uuid.UUID(int=0)
