"""Use cases of programs: setting them up, their rounds, and new versions of their quota rule."""

import uuid
from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.programs import policies, queries
from challenges.programs.models import AppliesTo, Program, ProgramOfficer, QuotaRule, Round
from core import audit
from core.actor import Actor
from core.database import database_today
from core.errors import ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _

FIELDS = (
    "code",
    "name",
    "authority",
    "description",
    "poster_sizes",
    "bidder_kinds",
    "field_codes",
    "min_bid_days",
    "notice_days",
    "question_days",
    "statements",
    "max_file_mb",
    "checklist",
    "completion_days",
    "needs_review",
    "panel_size",
    "min_panel_size",
    "min_enterprise_expert_share",
    "review_days",
    "max_winners",
    "answer_days",
    "contract_days",
    "clock_factor",
    "is_open",
)
CONDITIONS = (
    "applies_to",
    "min_sme_budget_share",
    "min_small_micro_share_of_sme",
    "min_sme_members",
    "min_sme_member_share",
    "max_members",
)


async def read_program(session: AsyncSession, program_id: uuid.UUID) -> Program:
    """A program with rules, rounds and officers; programs are public."""
    program = await queries.program_by_id(session, program_id)
    if program is None:
        raise NotFoundError(_("There is no such program."))
    return program


async def editable_program(session: AsyncSession, actor: Actor, program_id: uuid.UUID) -> Program:
    program = await read_program(session, program_id)
    if not policies.may_edit_program(actor, program):
        raise ForbiddenError(_("Only the program's own officers may change it."))
    return program


async def create_program(
    session: AsyncSession, actor: Actor, values: dict[str, Any], officer_ids: Collection[uuid.UUID]
) -> Program:
    """Set up a program; whoever does so is in charge of it. Raises InvalidError on `code` when it is taken."""
    if not policies.may_create_program(actor) or actor.person_id is None:
        raise ForbiddenError(_("Only program officers set up programs."))
    await _require_free_code(session, values["code"], None)
    program = Program(**{name: values[name] for name in FIELDS})
    chosen = await _existing_officers(session, {*officer_ids, actor.person_id})
    program.officers = [ProgramOfficer(person_id=person_id) for person_id in sorted(chosen)]
    session.add(program)
    await session.flush()
    await audit.record(
        session,
        actor,
        "program.created",
        "program",
        program.id,
        {**{name: values[name] for name in FIELDS}, "officers": sorted(map(str, chosen))},
    )
    return program


async def change_program(
    session: AsyncSession,
    actor: Actor,
    program_id: uuid.UUID,
    values: dict[str, Any],
    officer_ids: Collection[uuid.UUID],
) -> Program:
    """Change a program and who is in charge. Raises InvalidError on `code` or `officers`."""
    await queries.lock_program(session, program_id)
    program = await editable_program(session, actor, program_id)
    await _require_free_code(session, values["code"], program.id)
    chosen = await _existing_officers(session, officer_ids)
    if not chosen:
        raise InvalidError({"officers": _("Somebody has to be in charge of the program.")})
    if values["clock_factor"] != program.clock_factor and await queries.has_published(session, program.id):
        raise InvalidError(
            {"clock_factor": _("The clock cannot be changed once a challenge of the program was published.")}
        )
    changes: dict[str, Any] = {}
    for name in FIELDS:
        before = getattr(program, name)
        if before != values[name]:
            changes[name] = [before, values[name]]
            setattr(program, name, values[name])
    before_ids = {item.person_id for item in program.officers}
    if before_ids != chosen:
        changes["officers"] = [sorted(map(str, before_ids)), sorted(map(str, chosen))]
        program.officers = [item for item in program.officers if item.person_id in chosen] + [
            ProgramOfficer(person_id=person_id) for person_id in sorted(chosen - before_ids)
        ]
    if changes:
        await audit.record(session, actor, "program.changed", "program", program.id, changes)
    return program


async def _require_free_code(session: AsyncSession, code: str, own_id: uuid.UUID | None) -> None:
    other = await queries.program_by_code(session, code)
    if other is not None and other.id != own_id:
        raise InvalidError({"code": _("Another program has this code.")})


async def _existing_officers(session: AsyncSession, wanted: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Of the wanted people those who have the officer's role."""
    return {person.id for person in await queries.officers(session)} & set(wanted)


async def add_round(
    session: AsyncSession, actor: Actor, program_id: uuid.UUID, *, name: str, opens_on: date, closes_on: date
) -> Round:
    """Raises InvalidError on `name` when the program has such a round."""
    await queries.lock_program(session, program_id)
    program = await editable_program(session, actor, program_id)
    if any(item.name == name.strip() for item in program.rounds):
        raise InvalidError({"name": _("The program has a round of this name.")})
    added = Round(program_id=program.id, name=name.strip(), opens_on=opens_on, closes_on=closes_on)
    session.add(added)
    await session.flush()
    await audit.record(
        session,
        actor,
        "program.round_added",
        "program",
        program.id,
        {"round": added.name, "opens_on": opens_on, "closes_on": closes_on},
    )
    return added


async def change_round(
    session: AsyncSession,
    actor: Actor,
    program_id: uuid.UUID,
    round_id: uuid.UUID,
    *,
    name: str,
    opens_on: date,
    closes_on: date,
) -> Round:
    await queries.lock_program(session, program_id)
    program = await editable_program(session, actor, program_id)
    changed = next((item for item in program.rounds if item.id == round_id), None)
    if changed is None:
        raise NotFoundError(_("There is no such round."))
    if any(item.name == name.strip() and item.id != round_id for item in program.rounds):
        raise InvalidError({"name": _("The program has a round of this name.")})
    before = {"round": changed.name, "opens_on": changed.opens_on, "closes_on": changed.closes_on}
    after = {"round": name.strip(), "opens_on": opens_on, "closes_on": closes_on}
    changed.name, changed.opens_on, changed.closes_on = name.strip(), opens_on, closes_on
    differences = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    if differences:
        await audit.record(session, actor, "program.round_changed", "program", program.id, differences)
    return changed


async def add_rule(
    session: AsyncSession,
    actor: Actor,
    program_id: uuid.UUID,
    *,
    effective_on: date,
    conditions: dict[str, Any],
) -> QuotaRule:
    """A new version of the quota rule. It may not reach into the past: decisions were made under what held then.

    Raises InvalidError on `effective_on`, or on no field where nothing is demanded.
    """
    await queries.lock_program(session, program_id)
    program = await editable_program(session, actor, program_id)
    if effective_on < await database_today(session):
        raise InvalidError({"effective_on": _("A rule begins today or later, never in the past.")})
    if all(conditions[name] is None for name in CONDITIONS if name != "applies_to"):
        raise InvalidError({"": _("State at least one condition.")})
    if conditions["min_small_micro_share_of_sme"] and not conditions["min_sme_budget_share"]:
        raise InvalidError(
            {
                "min_small_micro_share_of_sme": _(
                    "This is a part of the SMEs' budget share: state that one too."
                )
            }
        )
    rule = QuotaRule(
        program_id=program.id,
        version=await queries.latest_version(session, program_id) + 1,
        effective_on=effective_on,
        **{**conditions, "applies_to": AppliesTo(conditions["applies_to"])},
    )
    session.add(rule)
    await session.flush()
    await audit.record(
        session,
        actor,
        "program.rule_added",
        "program",
        program.id,
        {"version": rule.version, "effective_on": effective_on, **conditions},
    )
    return rule
