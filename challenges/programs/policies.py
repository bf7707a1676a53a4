"""Who may do what with programs. Pure: programs come with their officers loaded."""

from datetime import date

from challenges.programs.models import Program, QuotaRule, Round
from core.actor import Actor
from solvers.organizations.models import Organization, OrganizationKind, SizeClass


def may_create_program(actor: Actor) -> bool:
    return actor.is_officer


def is_officer_of(actor: Actor, program: Program | None) -> bool:
    """The officer's role alone opens no program: an officer acts in those they are in charge of."""
    return (
        program is not None
        and actor.is_officer
        and any(item.person_id == actor.person_id for item in program.officers)
    )


def may_edit_program(actor: Actor, program: Program) -> bool:
    return is_officer_of(actor, program)


def accepted_poster_sizes(program: Program) -> frozenset[str]:
    """Sizes of enterprise that may post: large ones, unless the program names others."""
    return frozenset(program.poster_sizes) or frozenset({SizeClass.LARGE.value})


def accepts_poster(program: Program, organization: Organization) -> bool:
    return (
        organization.kind is OrganizationKind.ENTERPRISE
        and organization.size_class is not None
        and organization.size_class.value in accepted_poster_sizes(program)
    )


def accepts_bidder(program: Program, kind: OrganizationKind) -> bool:
    return not program.bidder_kinds or kind.value in program.bidder_kinds


def accepts_subfield(program: Program, subfield_code: str | None) -> bool:
    """A program without fields takes every field; a subfield belongs to the field of its first two digits."""
    return not program.field_codes or (subfield_code or "")[:2] in program.field_codes


def is_round_open(item: Round, on_day: date) -> bool:
    return item.opens_on <= on_day <= item.closes_on


def rule_of_day(program: Program, on_day: date) -> QuotaRule | None:
    """As `queries.rule_in_force`, from the rules that are loaded."""
    effective = [rule for rule in program.rules if rule.effective_on <= on_day]
    return max(effective, key=lambda rule: (rule.effective_on, rule.version), default=None)
