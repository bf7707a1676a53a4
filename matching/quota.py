"""The SME quota: a rule, and the computation that shows line by line whether a consortium keeps it.

Money is counted in integers of 0.01 万元 (100 yuan), shares in exact fractions: a share of 30% is kept by 30 of
100 and broken by 29.99 of 100, whatever the size of the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal, cast

Kind = Literal["enterprise", "research_institute", "university"]
Size = Literal["large", "medium", "small", "micro"]
RelationKind = Literal["control", "same_legal_representative"]
AppliesTo = Literal["large_lead", "all"]
Number = Fraction | Decimal | int | float | str
PartName = Literal[
    "min_sme_budget_share",
    "min_small_micro_share_of_sme",
    "min_sme_members",
    "min_sme_member_share",
    "max_members",
]
# Why a member does not count as an SME.
NotCountedCode = Literal[
    "not_an_enterprise",
    "size_unknown",
    "large",
    "large_controller",
    "same_legal_representative",
    "controlled_by_member",
]

KINDS: tuple[Kind, ...] = ("enterprise", "research_institute", "university")
SIZES: tuple[Size, ...] = ("large", "medium", "small", "micro")
SME_SIZES: frozenset[str] = frozenset({"medium", "small", "micro"})
SMALL_MICRO_SIZES: frozenset[str] = frozenset({"small", "micro"})
RULE_SHARES = ("min_sme_budget_share", "min_small_micro_share_of_sme", "min_sme_member_share", "min_score")
RULE_COUNTS = ("min_sme_members", "max_members")
RULE_FIELDS = (
    "min_sme_budget_share",
    "min_small_micro_share_of_sme",
    "min_sme_members",
    "min_sme_member_share",
    "max_members",
    "min_score",
    "applies_to",
)

# Rules are written in 万元 with at most two decimals; the unit of account is therefore 0.01 万元 = 100 yuan.
UNITS_PER_WAN = 100
# More digits than any real share or score carries; keeps a hostile exponent from becoming a gigantic integer.
MAX_DIGITS = 40
# Far above any budget in 万元.
MAX_BUDGET_WAN = 10**12


class QuotaError(ValueError):
    """A rule or a member that cannot be: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


def exact_number(value: object, field: str) -> Fraction:
    """`value` as the fraction that it was written as.

    A float means the shortest decimal that prints it, so 0.3 is 3/10 and not the nearest binary fraction.

    >>> exact_number(0.3, "share")
    Fraction(3, 10)
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise QuotaError(field, "must be a number")
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        raise QuotaError(field, "must be a number") from None
    if not number.is_finite():
        raise QuotaError(field, "must be a finite number")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if abs(exponent) > MAX_DIGITS or number.adjusted() > MAX_DIGITS:
        # Shortest decimals of floats reach 1e-308; nothing that small is a share, a score or money.
        if isinstance(value, float) and abs(value) < 1:
            return Fraction(round(number.scaleb(MAX_DIGITS)), 10**MAX_DIGITS)
        raise QuotaError(field, f"has more than {MAX_DIGITS} digits")
    return Fraction(number)


def hundred_yuan(budget_wan: object, field: str = "budget_wan") -> int:
    """Money in 万元 as an integer of 0.01 万元.

    >>> hundred_yuan(Decimal("12.5"))
    1250
    """
    wan = exact_number(budget_wan, field)
    if wan < 0:
        raise QuotaError(field, "must not be negative")
    if wan > MAX_BUDGET_WAN:
        raise QuotaError(field, f"must be at most {MAX_BUDGET_WAN} 万元")
    units = wan * UNITS_PER_WAN
    if units.denominator != 1:
        raise QuotaError(field, "is finer than 0.01 万元")
    return units.numerator


def as_wan(budget_hundred_yuan: int) -> Decimal:
    """The inverse of `hundred_yuan`.

    >>> as_wan(1250)
    Decimal('12.50')
    """
    return Decimal(budget_hundred_yuan).scaleb(-2)


@dataclass(frozen=True, slots=True, init=False)
class QuotaRule:
    """A program's rule for SME participation; a number that is absent constrains nothing.

    Shares are exact fractions in [0, 1]. `max_members` and `min_score` bind every consortium; the other numbers bind
    where the rule applies: where a large enterprise leads (`large_lead`), or everywhere (`all`).

    >>> QuotaRule(min_sme_budget_share="0.3").min_sme_budget_share
    Fraction(3, 10)
    """

    min_sme_budget_share: Fraction | None
    min_small_micro_share_of_sme: Fraction | None
    min_sme_members: int | None
    min_sme_member_share: Fraction | None
    max_members: int | None
    min_score: Fraction | None
    applies_to: AppliesTo

    def __init__(
        self,
        *,
        min_sme_budget_share: Number | None = None,
        min_small_micro_share_of_sme: Number | None = None,
        min_sme_members: int | None = None,
        min_sme_member_share: Number | None = None,
        max_members: int | None = None,
        min_score: Number | None = None,
        applies_to: AppliesTo = "large_lead",
    ) -> None:
        shares = {
            "min_sme_budget_share": min_sme_budget_share,
            "min_small_micro_share_of_sme": min_small_micro_share_of_sme,
            "min_sme_member_share": min_sme_member_share,
            "min_score": min_score,
        }
        for name, value in shares.items():
            object.__setattr__(self, name, _share(value, name))
        object.__setattr__(self, "min_sme_members", _count(min_sme_members, "min_sme_members", least=0))
        object.__setattr__(self, "max_members", _count(max_members, "max_members", least=1))
        if applies_to not in ("large_lead", "all"):
            raise QuotaError("applies_to", "must be 'large_lead' or 'all'")
        object.__setattr__(self, "applies_to", applies_to)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> QuotaRule:
        """The rule that `as_json` wrote; numbers may be of any exact or decimal kind."""
        for name in data:
            # A misspelt rule must not silently stop being one.
            if name not in RULE_FIELDS:
                raise QuotaError(name, f"is no part of a rule; the parts are {', '.join(RULE_FIELDS)}")
        given = {name: value for name, value in data.items() if value is not None}
        for name in RULE_SHARES:
            if isinstance(given.get(name), str):
                raise QuotaError(name, "must be a number")
        return cls(**given)

    def as_json(self) -> dict[str, float | int | str | None]:
        """The rule as JSON values, absent numbers as null."""
        shares = {name: cast("Fraction | None", getattr(self, name)) for name in RULE_SHARES}
        document: dict[str, float | int | str | None] = {
            name: None if share is None else float(share) for name, share in shares.items()
        }
        document |= {"min_sme_members": self.min_sme_members, "max_members": self.max_members}
        return {name: document[name] for name in RULE_FIELDS[:-1]} | {"applies_to": self.applies_to}

    def replaced(self, **changes: Any) -> QuotaRule:
        """The same rule with some numbers changed or, where None, dropped."""
        now: dict[str, Any] = {name: getattr(self, name) for name in RULE_FIELDS}
        return QuotaRule(**(now | changes))


@dataclass(frozen=True, slots=True)
class Controller:
    """Who controls an organization, or shares its legal representative."""

    id: str
    size: Size | None
    kind: RelationKind = "control"


@dataclass(frozen=True, slots=True)
class QuotaMember:
    """One member of a consortium with the money it holds."""

    id: str
    kind: Kind
    size: Size | None
    budget_hundred_yuan: int
    controllers: tuple[Controller, ...] = ()

    @classmethod
    def of(
        cls,
        id: str,  # noqa: A002 - the name that the field has
        kind: Kind,
        size: Size | None,
        budget_wan: Decimal | int,
        controllers: Iterable[Controller] = (),
    ) -> QuotaMember:
        return cls(id, kind, size, hundred_yuan(budget_wan), tuple(controllers))


@dataclass(frozen=True, slots=True)
class CountedMember:
    """Whether a member counts as an SME; where not, `code` says why and `because_of` names the other organization."""

    id: str
    size: Size | None
    budget_hundred_yuan: int
    counted: bool
    code: NotCountedCode | None
    because_of: str | None

    @property
    def budget_wan(self) -> Decimal:
        return as_wan(self.budget_hundred_yuan)


@dataclass(frozen=True, slots=True)
class QuotaPart:
    """One line of the computation: `numerator / denominator` against `threshold`.

    For money both are in 0.01 万元, for heads both are heads; counts have the denominator 1. `value` is None where
    the denominator is 0: such a part holds, as 0 ≥ share · 0. `holds` is plain arithmetic; `applies` says whether
    the part binds this consortium. An absent threshold is None and holds.
    """

    name: PartName
    numerator: int
    denominator: int
    threshold: Fraction | None
    holds: bool
    applies: bool

    @property
    def value(self) -> Fraction | None:
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    @property
    def is_count(self) -> bool:
        return self.name in RULE_COUNTS

    def as_json(self) -> dict[str, Any]:
        return {
            "value": _json_number(self.value, self.is_count),
            "threshold": _json_number(self.threshold, self.is_count),
            "holds": self.holds,
            "applies": self.applies,
            "numerator": self.numerator,
            "denominator": self.denominator,
        }


@dataclass(frozen=True, slots=True)
class QuotaResult:
    """The whole computation: who counts, the sums, and every part."""

    rule: QuotaRule
    lead: str | None
    applies: bool
    parts: tuple[QuotaPart, ...]
    members: tuple[CountedMember, ...]
    budget_hundred_yuan: int
    sme_budget_hundred_yuan: int
    small_micro_budget_hundred_yuan: int
    sme_members: int

    @property
    def holds(self) -> bool:
        """Whether the consortium may be approved as far as the quota goes."""
        return not self.failing

    @property
    def failing(self) -> tuple[QuotaPart, ...]:
        """The parts that bind this consortium and are broken."""
        return tuple(part for part in self.parts if part.applies and not part.holds)

    def part(self, name: PartName) -> QuotaPart:
        return next(part for part in self.parts if part.name == name)

    def as_json(self) -> dict[str, Any]:
        """`{part name: {value, threshold, holds, applies, numerator, denominator}}`."""
        return {part.name: part.as_json() for part in self.parts}


def evaluate_quota(rule: QuotaRule, lead: str | None, members: Iterable[QuotaMember]) -> QuotaResult:
    """Compute every part of `rule` for a consortium, exactly.

    With b the members' money, C the counted SMEs, K ⊆ C the small and micro ones, S all members:
    Σ_C b ≥ min_sme_budget_share · Σ_S b; Σ_K b ≥ min_small_micro_share_of_sme · Σ_C b; |C| ≥ min_sme_members;
    |C| ≥ min_sme_member_share · |S|; |S| ≤ max_members.

    Where no lead is named (it left, and no other was chosen yet), the rule is taken to bind.

    >>> lead = QuotaMember.of("L", "enterprise", "large", 70)
    >>> small = QuotaMember.of("S", "enterprise", "small", 30)
    >>> evaluate_quota(QuotaRule(min_sme_budget_share="0.3"), "L", [lead, small]).holds
    True
    """
    listed = tuple(members)
    by_id = {member.id: member for member in listed}
    if len(by_id) < len(listed):
        raise QuotaError("members", "an organization is a member twice")
    if lead is not None and lead not in by_id:
        raise QuotaError("lead", f"{lead!r} is not a member")
    for member in listed:
        if member.budget_hundred_yuan < 0:
            raise QuotaError("members", f"the budget of {member.id!r} is negative")

    applies = rule.applies_to == "all" or lead is None or is_large(by_id[lead].kind, by_id[lead].size)
    counted = tuple(_counted(member, by_id) for member in listed)
    smes = [member for member in counted if member.counted]
    total = sum(member.budget_hundred_yuan for member in listed)
    sme = sum(member.budget_hundred_yuan for member in smes)
    small_micro = sum(member.budget_hundred_yuan for member in smes if member.size in SMALL_MICRO_SIZES)

    def least(
        name: PartName, numerator: int, denominator: int, threshold: Fraction | int | None
    ) -> QuotaPart:
        exact = None if threshold is None else Fraction(threshold)
        holds = exact is None or numerator * exact.denominator >= exact.numerator * denominator
        return QuotaPart(name, numerator, denominator, exact, holds, applies)

    most = rule.max_members
    parts = (
        least("min_sme_budget_share", sme, total, rule.min_sme_budget_share),
        least("min_small_micro_share_of_sme", small_micro, sme, rule.min_small_micro_share_of_sme),
        least("min_sme_members", len(smes), 1, rule.min_sme_members),
        least("min_sme_member_share", len(smes), len(listed), rule.min_sme_member_share),
        QuotaPart(
            "max_members",
            len(listed),
            1,
            None if most is None else Fraction(most),
            most is None or len(listed) <= most,
            True,
        ),
    )
    return QuotaResult(rule, lead, applies, parts, counted, total, sme, small_micro, len(smes))


def is_large(kind: Kind, size: Size | None) -> bool:
    return kind == "enterprise" and size == "large"


def standing_reason(
    identifier: str, kind: Kind, size: Size | None, controllers: Iterable[Controller]
) -> tuple[NotCountedCode, str | None] | None:
    """Why an organization can never count as an SME, whoever else is a member; None where it can."""
    if kind != "enterprise":
        return "not_an_enterprise", None
    if size is None:
        return "size_unknown", None
    if size not in SME_SIZES:
        return "large", None
    large = [relation for relation in controllers if relation.size == "large" and relation.id != identifier]
    for relation in large:
        if relation.kind == "control":
            return "large_controller", relation.id
    return ("same_legal_representative", large[0].id) if large else None


def _counted(member: QuotaMember, members: Mapping[str, QuotaMember]) -> CountedMember:
    # A relation may have been recorded without the size that the other organization, a member too, is known to have.
    relations = [_with_known_size(relation, members.get(relation.id)) for relation in member.controllers]
    reason = standing_reason(member.id, member.kind, member.size, relations)
    if reason is None:
        for relation in relations:
            if relation.kind == "control" and relation.id in members and relation.id != member.id:
                reason = "controlled_by_member", relation.id
                break
    code, because_of = reason or (None, None)
    return CountedMember(member.id, member.size, member.budget_hundred_yuan, reason is None, code, because_of)


def _with_known_size(relation: Controller, member: QuotaMember | None) -> Controller:
    if member is not None and is_large(member.kind, member.size):
        return Controller(relation.id, "large", relation.kind)
    return relation


def _share(value: Number | None, field: str) -> Fraction | None:
    if value is None:
        return None
    share = exact_number(value, field)
    if not 0 <= share <= 1:
        raise QuotaError(field, "must be between 0 and 1")
    return share


def _count(value: object, field: str, *, least: int) -> int | None:
    if value is None:
        return None
    number = exact_number(value, field)
    if number.denominator != 1 or number < least:
        raise QuotaError(field, f"must be a whole number, at least {least}")
    return number.numerator


def _json_number(value: Fraction | None, is_count: bool) -> float | int | None:
    if value is None:
        return None
    return int(value) if is_count else float(value)
