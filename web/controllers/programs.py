"""Programs with their calendar and quota rules: read by everybody, set up by officers."""

import uuid
from decimal import Decimal
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.postings import queries as posting_queries
from challenges.programs import policies, queries, service
from challenges.programs.forms import ProgramForm, QuotaRuleForm, RoundForm
from challenges.programs.models import AppliesTo, Program, QuotaRule
from core.clock import to_shanghai
from core.database import database_time, database_today
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from solvers.fields import FIELDS
from solvers.organizations.models import OrganizationKind, SizeClass
from web.dependencies import Acting, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.labels import choices, label
from web.requests import form_data
from web.templating import redirect, render


class ProgramController(Controller):
    path = "/programs"

    @get("/", opt={"access": Access.PUBLIC})
    async def index(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        programs = await queries.programs(session)
        now = await database_time(session)
        today = to_shanghai(now).date()
        counts = await posting_queries.open_counts_by_program(session, now)
        return render(
            request,
            "programs/index.html",
            programs=programs,
            today=today,
            rules={item.id: policies.rule_of_day(item, today) for item in programs},
            counts=counts,
            is_officer_of=policies.is_officer_of,
            is_round_open=policies.is_round_open,
            may_create=policies.may_create_program(actor),
        )

    @get("/new", opt={"access": Access.OFFICER})
    async def new(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        form = await _program_form(session, None)
        form.process(
            data={
                "min_bid_days": 20,
                "notice_days": 5,
                "clock_factor": 1,
                "is_open": True,
                "officers": [str(actor.person_id)],
            }
        )
        return render(request, "programs/form.html", form=form, program=None)

    @post("/new", opt={"access": Access.OFFICER}, status_code=200)
    async def create(
        self, request: WebRequest, session: DbSession, actor: Acting
    ) -> Template | Response[Any]:
        form = await _program_form(session, await form_data(request))
        if form.validate():
            try:
                async with session.begin_nested():
                    program = await service.create_program(
                        session, actor, _program_values(form), _officer_ids(form)
                    )
                message = gettext("The program is set up. Add its quota rule and its first round.")
                return redirect(request, f"/programs/{program.id}", flash=message)
            except InvalidError as error:
                form.add_errors(error.errors)
        return render(request, "programs/form.html", status=422, form=form, program=None)

    @get("/{program_id:uuid}", opt={"access": Access.PUBLIC})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template:
        program = await service.read_program(session, program_id)
        today = await database_today(session)
        return render(
            request,
            "programs/show.html",
            program=program,
            today=today,
            rule=policies.rule_of_day(program, today),
            may_edit=policies.may_edit_program(actor, program),
            is_round_open=policies.is_round_open,
            sizes=[
                label(item) for item in SizeClass if item.value in policies.accepted_poster_sizes(program)
            ],
            kinds=[label(OrganizationKind(value)) for value in program.bidder_kinds],
            fields=[item for item in FIELDS if item.code in program.field_codes],
            newest=await posting_queries.newest_challenges(session, program_id=program.id, limit=5),
        )

    @get("/{program_id:uuid}/edit", opt={"access": Access.OFFICER})
    async def edit(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template:
        program = await service.editable_program(session, actor, program_id)
        form = await _program_form(session, None)
        form.process(
            data={name: getattr(program, name) for name in service.FIELDS}
            | {
                "min_enterprise_expert_share": Decimal(
                    f"{(program.min_enterprise_expert_share * 100).normalize():f}"
                )
            }
            | {"officers": [str(item.person_id) for item in program.officers]}
        )
        return render(request, "programs/form.html", form=form, program=program)

    @post("/{program_id:uuid}/edit", opt={"access": Access.OFFICER}, status_code=200)
    async def change(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        program = await service.editable_program(session, actor, program_id)
        form = await _program_form(session, await form_data(request))
        if form.validate():
            try:
                async with session.begin_nested():
                    await service.change_program(
                        session, actor, program_id, _program_values(form), _officer_ids(form)
                    )
                return redirect(request, f"/programs/{program_id}", flash=gettext("The program was changed."))
            except InvalidError as error:
                form.add_errors(error.errors)
        return render(request, "programs/form.html", status=422, form=form, program=program)

    @get("/{program_id:uuid}/rounds/new", opt={"access": Access.OFFICER})
    async def new_round(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template:
        program = await service.editable_program(session, actor, program_id)
        return render(request, "programs/round.html", form=RoundForm(), program=program, round=None)

    @post("/{program_id:uuid}/rounds/new", opt={"access": Access.OFFICER}, status_code=200)
    async def add_round(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        program = await service.editable_program(session, actor, program_id)
        form = RoundForm(await form_data(request))
        if form.validate():
            try:
                async with session.begin_nested():
                    await service.add_round(session, actor, program_id, **_round_values(form))
                return redirect(request, f"/programs/{program_id}", flash=gettext("The round was added."))
            except InvalidError as error:
                form.add_errors(error.errors)
        return render(request, "programs/round.html", status=422, form=form, program=program, round=None)

    @get("/{program_id:uuid}/rounds/{round_id:uuid}/edit", opt={"access": Access.OFFICER})
    async def edit_round(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        round_id: FromPath[uuid.UUID],
    ) -> Template:
        program = await service.editable_program(session, actor, program_id)
        chosen = _round_of(program, round_id)
        return render(
            request, "programs/round.html", form=RoundForm(obj=chosen), program=program, round=chosen
        )

    @post("/{program_id:uuid}/rounds/{round_id:uuid}/edit", opt={"access": Access.OFFICER}, status_code=200)
    async def change_round(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        program_id: FromPath[uuid.UUID],
        round_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        program = await service.editable_program(session, actor, program_id)
        chosen = _round_of(program, round_id)
        form = RoundForm(await form_data(request))
        if form.validate():
            try:
                async with session.begin_nested():
                    await service.change_round(session, actor, program_id, round_id, **_round_values(form))
                return redirect(request, f"/programs/{program_id}", flash=gettext("The round was changed."))
            except InvalidError as error:
                form.add_errors(error.errors)
        return render(request, "programs/round.html", status=422, form=form, program=program, round=chosen)

    @get("/{program_id:uuid}/rules", opt={"access": Access.PUBLIC})
    async def rules(
        self,
        request: WebRequest,
        session: DbSession,
        program_id: FromPath[uuid.UUID],
        first: FromQuery[str] = "",
        second: FromQuery[str] = "",
    ) -> Template:
        """Two versions side by side: those asked for, or the newest and the one before it."""
        program = await service.read_program(session, program_id)
        if not program.rules:
            raise NotFoundError(gettext("This program has no quota rule yet."))
        by_version = {str(rule.version): rule for rule in program.rules}
        newest = program.rules[0]
        right = by_version.get(second, newest)
        left = by_version.get(first) or by_version.get(str(right.version - 1), right)
        return render(
            request,
            "programs/rules.html",
            program=program,
            left=left,
            right=right,
            rows=_compared(left, right),
            in_force=policies.rule_of_day(program, await database_today(session)),
        )

    @get("/{program_id:uuid}/rules/new", opt={"access": Access.OFFICER})
    async def new_rule(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template:
        """Begins with what the newest version says: a change is easier to see than a rule typed anew."""
        program = await service.editable_program(session, actor, program_id)
        form = QuotaRuleForm()
        form.applies_to.choices = choices(AppliesTo)
        data: dict[str, Any] = {"applies_to": AppliesTo.LARGE_LEAD.value}
        if program.rules:
            newest = program.rules[0]
            data = {name: getattr(newest, name) for name in service.CONDITIONS}
            for name in QuotaRuleForm.SHARES:
                if data[name] is not None:
                    data[name] = Decimal(f"{(data[name] * 100).normalize():f}")
        form.process(data=data)
        return render(request, "programs/rule.html", form=form, program=program)

    @post("/{program_id:uuid}/rules/new", opt={"access": Access.OFFICER}, status_code=200)
    async def add_rule(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        program = await service.editable_program(session, actor, program_id)
        form = QuotaRuleForm()
        form.applies_to.choices = choices(AppliesTo)
        form.process(await form_data(request))
        if form.validate() and form.effective_on.data is not None:
            try:
                async with session.begin_nested():
                    rule = await service.add_rule(
                        session,
                        actor,
                        program_id,
                        effective_on=form.effective_on.data,
                        conditions=form.conditions(),
                    )
                message = gettext("Version %(version)s of the quota rule was added.", version=rule.version)
                return redirect(request, f"/programs/{program_id}", flash=message)
            except InvalidError as error:
                form.add_errors(error.errors)
        return render(request, "programs/rule.html", status=422, form=form, program=program)


async def _program_form(session: DbSession, data: Any) -> ProgramForm:
    form = ProgramForm()
    form.poster_sizes.choices = choices(SizeClass)
    form.bidder_kinds.choices = choices(OrganizationKind)
    form.field_codes.choices = [(item.code, item.name) for item in FIELDS]
    form.officers.choices = [
        (str(person.id), f"{person.name} · {person.email}") for person in await queries.officers(session)
    ]
    if data is not None:
        form.process(data)
    return form


def _program_values(form: ProgramForm) -> dict[str, Any]:
    values = {name: form[name].data for name in service.FIELDS}
    values["min_enterprise_expert_share"] = (values["min_enterprise_expert_share"] / 100).quantize(
        Decimal("0.0001")
    )
    return {key: value.strip() if isinstance(value, str) else value for key, value in values.items()}


def _officer_ids(form: ProgramForm) -> list[uuid.UUID]:
    # Values outside the choices were refused by the form.
    return [uuid.UUID(value) for value in form.officers.data or []]


def _round_values(form: RoundForm) -> dict[str, Any]:
    return {name: form[name].data for name in ("name", "opens_on", "closes_on")}


def _round_of(program: Program, round_id: uuid.UUID) -> Any:
    chosen = next((item for item in program.rounds if item.id == round_id), None)
    if chosen is None:
        raise NotFoundError(gettext("There is no such round."))
    return chosen


def _compared(left: QuotaRule, right: QuotaRule) -> list[tuple[str, str, Any, Any]]:
    """Name, kind of value and both values of each condition."""
    names = [
        ("applies_to", "label", gettext("Applies to")),
        ("min_sme_budget_share", "percent", gettext("SMEs' share of the budget, at least")),
        (
            "min_small_micro_share_of_sme",
            "percent",
            gettext("Of that, small and micro enterprises' part, at least"),
        ),
        ("min_sme_members", "number", gettext("SMEs among the members, at least")),
        ("min_sme_member_share", "percent", gettext("SMEs' share of the members, at least")),
        ("max_members", "number", gettext("Members of a consortium, at most")),
    ]
    return [(text, kind, getattr(left, name), getattr(right, name)) for name, kind, text in names]
