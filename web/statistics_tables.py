"""The statistics as labelled tables, in the reader's language."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from challenges.models import ChallengeState
from challenges.statistics.figures import Line, MemberClass, Totals
from challenges.statistics.service import (
    FIRST_TIME,
    RETURNING,
    TOP_K,
    Dashboard,
    Listed,
    PublicLines,
    PublicStatistics,
)
from core.i18n import gettext as _
from solvers.fields import field_name
from solvers.models import OrganizationKind, SizeClass
from solvers.regions import region_name
from web.labels import label
from web.tables import WITHHELD, Cell, Column, Kind, Row, Table

Wording = Callable[[str], str]


def class_name(key: str) -> str:
    """A class of members in words."""
    if key == MemberClass.UNKNOWN:
        return _("Enterprise of unknown size")
    if key in set(SizeClass):
        return _("%(size)s enterprises", size=label(SizeClass(key)))
    return label(OrganizationKind(key))


def dashboard_tables(dashboard: Dashboard) -> list[Table]:
    totals = dashboard.totals
    return [
        Table(
            "months",
            _("SME share by month"),
            [
                Column(_("Month"), Kind.TEXT),
                Column(_("Consortia")),
                Column(_("Money"), Kind.WAN),
                Column(_("SMEs' money"), Kind.WAN),
                Column(_("SMEs' share of money"), Kind.SHARE),
                Column(_("Members")),
                Column(_("SMEs")),
                Column(_("SMEs' share of members"), Kind.SHARE),
                Column(_("First-time members")),
            ],
            [
                Row([line.key, *_amounts(line.totals), *_heads(line.totals), line.first_time_members])
                for line in dashboard.by_month
            ],
            _(
                "By the month of approval in Asia/Shanghai. An SME is one that the quota counts; an organization in two "
                "consortia is two members."
            ),
            [_("Sum"), *_amounts(totals), *_heads(totals), dashboard.first_time_organizations],
        ),
        Table(
            "challenges",
            _("SME share by challenge"),
            [
                Column(_("Challenge"), Kind.TEXT),
                Column(_("Approved in"), Kind.TEXT),
                Column(_("Money"), Kind.WAN),
                Column(_("SMEs' share of money"), Kind.SHARE),
                Column(_("Required share"), Kind.SHARE),
                Column(_("Members")),
                Column(_("SMEs")),
                Column(_("Price of the quota"), Kind.POINTS),
            ],
            [
                Row(
                    [
                        line.award.title,
                        line.award.month,
                        line.totals.wan,
                        line.totals.sme_money_share,
                        line.award.required_share,
                        line.totals.members,
                        line.totals.sme_members,
                        line.award.price,
                    ],
                    f"/consortia/{line.award.consortium_id}",
                )
                for line in dashboard.awards
            ],
            _("The required share is that of the rule's version under which the consortium was approved."),
        ),
        _by(
            "sizes",
            _("By size of the members"),
            _("Size"),
            dashboard.by_class,
            class_name,
            _("Kind and size as the decision was made with."),
        ),
        _by(
            "regions",
            _("By region"),
            _("Region"),
            dashboard.by_region,
            region_name,
            _("Seat of the members."),
        ),
        _by(
            "participation",
            _("First-time participants"),
            _("Taking part"),
            dashboard.by_participation,
            lambda key: {FIRST_TIME: _("for the first time"), RETURNING: _("again")}[key],
            _("The first time in an approved consortium of this program, whatever period is shown."),
        ),
        _quota_table(dashboard),
        Table(
            "concentration",
            _("Who gets how much"),
            [
                Column(_("Organization"), Kind.TEXT),
                Column(_("Size"), Kind.TEXT),
                Column(_("Consortia")),
                Column(_("Money"), Kind.WAN),
                Column(_("Share of money"), Kind.SHARE),
                Column(_("Cumulative share"), Kind.SHARE),
            ],
            [
                Row(
                    [
                        item.name,
                        class_name(item.member_class),
                        item.consortia,
                        item.wan,
                        item.money_share,
                        item.cumulative_share,
                    ],
                    f"/solvers/{item.organization_id}",
                )
                for item in dashboard.holdings
            ],
            _(
                "Gini coefficient: 0 where all got the same, near 1 where one got everything. Herfindahl index: sum of the "
                "squared shares, between 1/n and 1."
            ),
        ),
        Table(
            "exposure",
            _("Who is shown and who is chosen"),
            [
                Column(_("Size"), Kind.TEXT),
                Column(_("Places in the first %(number)s", number=TOP_K)),
                Column(_("Share of places"), Kind.SHARE),
                Column(_("Share of attention"), Kind.SHARE),
                Column(_("Members chosen")),
                Column(_("Share of members chosen"), Kind.SHARE),
            ],
            [
                Row(
                    [
                        class_name(line.member_class),
                        line.places,
                        line.place_share,
                        line.attention_share,
                        line.chosen,
                        line.chosen_share,
                    ]
                )
                for line in dashboard.exposure
            ],
            _(
                "The newest ranking of each published challenge, with sizes as they are today. Attention falls with the "
                "rank as in DCG: 1 / log2(1 + rank)."
            ),
        ),
    ]


def _quota_table(dashboard: Dashboard) -> Table:
    effect, count = dashboard.quota, len(dashboard.awards)

    def line(text: str, number: int, mean: float | None, largest: float | None) -> Row:
        return Row([text, number, Fraction(number, count) if count else None, mean, largest])

    return Table(
        "quota",
        _("What the quota changed"),
        [
            Column(_("The best consortium of the ranking"), Kind.TEXT),
            Column(_("Consortia")),
            Column(_("Share"), Kind.SHARE),
            Column(_("Mean price"), Kind.POINTS),
            Column(_("Highest price"), Kind.POINTS),
        ],
        [
            line(
                _("scores less because of the quota"),
                effect.changed,
                effect.mean_price_where_changed,
                effect.largest_price,
            ),
            line(_("keeps the quota by itself"), effect.unchanged, None, None),
            line(_("not proven: taken from a bid, or out of time"), effect.unproven, None, None),
        ]
        if count
        else [],
        _(
            "Price: the best score without the quota minus the best with it, of 100 points, both proven when the "
            "consortium was proposed."
        ),
    )


def _amounts(totals: Totals) -> list[Cell]:
    return [totals.consortia, totals.wan, totals.sme_wan, totals.sme_money_share]


def _heads(totals: Totals) -> list[Cell]:
    return [totals.members, totals.sme_members, totals.sme_member_share]


def _by(name: str, title: str, key_title: str, lines: Sequence[Line], word: Wording, note: str) -> Table:
    return Table(
        name,
        title,
        [
            Column(key_title, Kind.TEXT),
            Column(_("Organizations")),
            Column(_("Members")),
            Column(_("Share of members"), Kind.SHARE),
            Column(_("Money"), Kind.WAN),
            Column(_("Share of money"), Kind.SHARE),
            Column(_("SMEs' share of money"), Kind.SHARE),
            Column(_("First-time members")),
        ],
        [
            Row(
                [
                    word(line.key),
                    line.totals.organizations,
                    line.totals.members,
                    line.member_share,
                    line.totals.wan,
                    line.money_share,
                    line.totals.sme_money_share,
                    line.first_time_members,
                ]
            )
            for line in lines
        ],
        note,
    )


def public_tables(statistics: PublicStatistics) -> list[Table]:
    shares = _("Shares are rounded to whole percent.")
    return [
        _listed("published", _("Challenges published by month"), _("Month"), statistics.listed_by_month, str),
        _listed(
            "fields",
            _("Challenges by technology field"),
            _("Technology field"),
            statistics.listed_by_field,
            lambda key: field_name(key) if key else _("No field given"),
        ),
        _listed(
            "states",
            _("Challenges by state"),
            _("State"),
            statistics.listed_by_state,
            lambda key: label(ChallengeState(key)),
        ),
        _shares("months", _("SME share by month"), _("Month"), statistics.by_month, str, shares),
        _shares("programs", _("SME share by program"), _("Program"), statistics.by_program, str, shares),
        _parts("sizes", _("By size of the members"), _("Size"), statistics.by_class, class_name, shares),
        _parts("regions", _("By region"), _("Region"), statistics.by_region, region_name, shares),
    ]


def _listed(name: str, title: str, key_title: str, lines: Sequence[Listed], word: Wording) -> Table:
    return Table(
        name,
        title,
        [
            Column(key_title, Kind.TEXT),
            Column(_("Challenges")),
            Column(_("Planned investment"), Kind.WAN),
        ],
        [Row([word(line.key), line.challenges, line.investment_wan]) for line in lines],
        _("Challenges on the public list."),
    )


def _shares(name: str, title: str, key_title: str, public: PublicLines, word: Wording, note: str) -> Table:
    return Table(
        name,
        title,
        [
            Column(key_title, Kind.TEXT),
            Column(_("Consortia")),
            Column(_("SMEs' share of money"), Kind.SHARE),
            Column(_("SMEs' share of members"), Kind.SHARE),
        ],
        [
            Row(
                [
                    word(line.key),
                    line.totals.consortia,
                    *_told(public, line, line.totals.sme_money_share, line.totals.sme_member_share),
                ]
            )
            for line in public.lines
        ],
        note,
    )


def _parts(name: str, title: str, key_title: str, public: PublicLines, word: Wording, note: str) -> Table:
    return Table(
        name,
        title,
        [
            Column(key_title, Kind.TEXT),
            Column(_("Share of money"), Kind.SHARE),
            Column(_("Share of members"), Kind.SHARE),
        ],
        [
            Row([word(line.key), *_told(public, line, line.money_share, line.member_share)])
            for line in public.lines
        ],
        note,
    )


def _told(public: PublicLines, line: Line, *shares: Fraction | None) -> Iterable[Cell]:
    return [WITHHELD if line.key in public.gaps else whole_percent(item) for item in shares]


def whole_percent(share: Fraction | None) -> Fraction | None:
    """Rounded so that amounts cannot be computed back from shares."""
    return None if share is None else Fraction(round(share * 100), 100)
