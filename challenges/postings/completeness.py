"""What a draft still lacks before it can be submitted, and a challenge before it can be published. Pure."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from challenges.postings.models import Challenge
from challenges.programs.calendar import earliest_end, period
from challenges.programs.policies import accepts_poster, accepts_subfield, is_round_open, rule_of_day
from core.clock import to_shanghai
from core.i18n import lazy_gettext as _

REQUIRED = (
    "round_id",
    "title",
    "subfield_code",
    "difficulty",
    "indicators",
    "content",
    "investment_wan",
    "reward_wan",
    "time_limit_months",
    "need_source",
    "cooperation",
    "conditions",
    "ip_terms",
    "benefit_terms",
    "contact_name",
    "contact_phone",
    "deadline_at",
)
ROW_REQUIRED = ("text", "target", "weight", "budget_wan")
FULL_WEIGHT = Decimal(100)


def lacking(challenge: Challenge, now: datetime) -> dict[str, Any]:
    """Messages by form field; empty when the draft can be submitted."""
    messages = incomplete(challenge)
    if not challenge.is_public and not challenge.invited and not challenge.allowed_certificates:
        messages["visibility"] = _(
            "Nobody could read this challenge: invite organizations or choose certificates."
        )
    for name, message in _against_program(challenge, now).items():
        messages.setdefault(name, message)
    return messages


def incomplete(challenge: Challenge) -> dict[str, Any]:
    """What the text itself lacks, whichever program it is for and whoever may read it."""
    missing = _("Please fill this in.")
    messages: dict[str, Any] = {}
    for name in REQUIRED:
        # What was typed but cannot be read has its own message at the field already.
        if getattr(challenge, name) in (None, "") and name not in challenge.unparsed:
            messages[name] = missing
    for name in challenge.unparsed:
        messages[name] = _("This cannot be read as it was typed.")
    messages.update(_lacking_rows(challenge))
    if (
        challenge.investment_wan is not None
        and challenge.reward_wan is not None
        and challenge.reward_wan > challenge.investment_wan
    ):
        messages["reward_wan"] = _("The reward is part of the planned investment and cannot exceed it.")
    return messages


def _lacking_rows(challenge: Challenge) -> dict[str, Any]:
    rows = challenge.requirements
    if not rows:
        return {"requirements": _("State at least one requirement.")}
    messages: dict[str, Any] = {}
    for number, row in enumerate(rows):
        for name in ROW_REQUIRED:
            if row.unparsed.get(name):
                messages[f"requirements-{number}-{name}"] = _("This cannot be read as it was typed.")
            elif getattr(row, name) in (None, ""):
                messages[f"requirements-{number}-{name}"] = _("Please fill this in.")
    weight = sum((row.weight or Decimal(0) for row in rows), Decimal(0))
    budget_wan = sum((row.budget_wan or Decimal(0) for row in rows), Decimal(0))
    if weight != FULL_WEIGHT:
        messages["requirements"] = _(
            "The weights add up to %(sum)s, they must be 100 together.", sum=f"{weight.normalize():f}"
        )
    elif challenge.reward_wan is not None and budget_wan != challenge.reward_wan:
        messages["requirements"] = _(
            "The budgets add up to %(sum)s 万元, the reward is %(reward)s 万元: they must be equal.",
            sum=f"{budget_wan.normalize():f}",
            reward=f"{challenge.reward_wan.normalize():f}",
        )
    return messages


def _against_program(challenge: Challenge, now: datetime) -> dict[str, Any]:
    """What the chosen program and its round do not take."""
    program, item = challenge.program, challenge.round
    if program is None or item is None:
        return {}
    messages: dict[str, Any] = {}
    today = to_shanghai(now).date()
    if not program.is_open or not is_round_open(item, today):
        messages["round_id"] = _("This round takes no submissions now.")
    elif not accepts_poster(program, challenge.organization):
        messages["round_id"] = _("This program does not take challenges of enterprises of your size.")
    if challenge.subfield_code and not accepts_subfield(program, challenge.subfield_code):
        messages["subfield_code"] = _("The program does not take this field.")
    if (message := deadline_too_near(challenge, now)) is not None:
        messages["deadline_at"] = message
    return messages


def latest_publication(challenge: Challenge) -> datetime | None:
    """Published later, bidders would have fewer days than the program grants them; None where no rule says so."""
    if challenge.deadline_at is None or challenge.program is None:
        return None
    program = challenge.program
    latest = challenge.deadline_at - period(program, program.min_bid_days)
    # The whole day of the publication counts, see `earliest_end`.
    return (
        latest
        if program.clock_factor != 1
        else to_shanghai(latest).replace(hour=23, minute=59, second=0, microsecond=0)
    )


def deadline_too_near(challenge: Challenge, now: datetime) -> Any:
    """The message if publication today would leave bidders fewer days than the program grants, or None."""
    if challenge.deadline_at is None or challenge.program is None:
        return None
    program = challenge.program
    earliest = earliest_end(program, program.min_bid_days, now)
    if challenge.deadline_at >= earliest and challenge.deadline_at > now:
        return None
    shown = to_shanghai(earliest)
    return _(
        "The program keeps bids open for at least %(days)s days: the deadline may be %(day)s or later.",
        days=program.min_bid_days,
        day=shown.strftime("%Y-%m-%d" if program.clock_factor == 1 else "%Y-%m-%d %H:%M"),
    )


def unpublishable(challenge: Challenge, now: datetime) -> dict[str, Any]:
    """What forbids an officer to publish a submitted challenge today; empty when nothing does."""
    messages: dict[str, Any] = {}
    if challenge.program is None or challenge.round is None:
        messages["round_id"] = _("The challenge belongs to no round.")
        return messages
    if challenge.round.program_id != challenge.program.id:
        messages["round_id"] = _("The round belongs to another program.")
    if challenge.round.opens_on > to_shanghai(now).date():
        messages["round_id"] = _("The round has not begun yet.")
    if rule_of_day(challenge.program, to_shanghai(now).date()) is None:
        messages["rule"] = _("The program has no quota rule in force: add one first.")
    if (message := deadline_too_near(challenge, now)) is not None:
        messages["deadline_at"] = message
    return messages
