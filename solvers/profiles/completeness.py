"""How complete a profile is, what is missing, and why it would help."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.i18n import lazy_gettext as _
from core.i18n import ngettext
from solvers.profiles.models import CapabilityProfile, EvidenceItem, EvidenceKind

# A summary or text shorter than this holds too few terms to be told from others.
GOOD_SUMMARY = 100
GOOD_TEAM = 30
GOOD_EVIDENCE = 40
GOOD_KEYWORDS = 3
# The matcher looks at the three best fitting items (matching.ranking.BEST_ITEMS).
GOOD_ITEMS = 3
# Results that somebody outside the organization has examined, and work that was done for somebody.
EXAMINED = frozenset({EvidenceKind.PATENT, EvidenceKind.PAPER, EvidenceKind.STANDARD})
APPLIED = frozenset({EvidenceKind.PROJECT, EvidenceKind.PRODUCT})


@dataclass(frozen=True)
class Criterion:
    """One thing a good profile has. `points` of all criteria sum to 100; `anchor` is where the editor holds it."""

    name: str
    points: int
    met: bool
    missing: Any
    reason: Any
    anchor: str


@dataclass(frozen=True)
class Completeness:
    criteria: tuple[Criterion, ...]

    @property
    def points(self) -> int:
        """0 to 100."""
        return sum(each.points for each in self.criteria if each.met)

    @property
    def missing(self) -> list[Criterion]:
        """What is not there yet, that which counts most first."""
        return sorted((each for each in self.criteria if not each.met), key=lambda each: -each.points)


def assess(profile: CapabilityProfile | None) -> Completeness:
    """Judge a profile, loaded with its evidence; None is an empty one."""
    evidence: Sequence[EvidenceItem] = profile.evidence if profile else ()
    summary_length = len(profile.summary) if profile else 0
    keywords = len(profile.keywords) if profile else 0
    kinds = {item.kind for item in evidence}
    bare = sum(1 for item in evidence if len(item.text) < GOOD_EVIDENCE)
    return Completeness(
        (
            Criterion(
                "summary",
                20,
                summary_length >= GOOD_SUMMARY,
                _(
                    "A summary of at least %(least)s characters (now %(now)s)",
                    least=GOOD_SUMMARY,
                    now=summary_length,
                ),
                _("Half of the score compares a challenge with your profile as a whole."),
                "profile-summary",
            ),
            Criterion(
                "items",
                20,
                len(evidence) >= GOOD_ITEMS,
                ngettext(
                    "%(num)s more evidence item",
                    "%(num)s more evidence items",
                    max(0, GOOD_ITEMS - len(evidence)),
                ),
                _("The other half of the score looks at your three best fitting items."),
                "evidence",
            ),
            Criterion(
                "examined",
                10,
                bool(kinds & EXAMINED),
                _("A patent, paper or standard"),
                _("Posters and officers trust results that others have examined."),
                "evidence",
            ),
            Criterion(
                "applied",
                10,
                bool(kinds & APPLIED),
                _("A project or product"),
                _("It shows that you have delivered something of the kind."),
                "evidence",
            ),
            Criterion(
                "described",
                10,
                bool(evidence) and bare == 0,
                ngettext(
                    "A text of at least %(least)s characters for %(num)s item",
                    "A text of at least %(least)s characters for %(num)s items",
                    bare,
                    least=GOOD_EVIDENCE,
                )
                if evidence
                else _(
                    "Evidence items that say what they show in at least %(least)s characters",
                    least=GOOD_EVIDENCE,
                ),
                _("Materials, methods and figures are what a challenge asks for; a title rarely names them."),
                "evidence",
            ),
            Criterion(
                "keywords",
                10,
                keywords >= GOOD_KEYWORDS,
                _("At least %(least)s keywords (now %(now)s)", least=GOOD_KEYWORDS, now=keywords),
                _("They let you be found by the words that posters use."),
                "profile-keywords",
            ),
            Criterion(
                "subfields",
                10,
                bool(profile and profile.subfield_codes),
                _("A technology field"),
                _("The directory and the list of challenges are filtered by it."),
                "profile-subfields",
            ),
            Criterion(
                "team",
                10,
                bool(profile) and len(profile.team if profile else "") >= GOOD_TEAM,
                _("The team in at least %(least)s characters", least=GOOD_TEAM),
                _("Bids are judged by team and research ability beside the plan."),
                "profile-team",
            ),
        )
    )
