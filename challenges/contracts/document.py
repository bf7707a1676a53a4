"""A contract as a document: blocks that the page and the PDF are both made from, and lines that can be compared."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from challenges.contracts.content import Stage, TaskBook
from challenges.contracts.models import PartyRole
from core.i18n import gettext
from core.typesetting import set_document

TEMPLATE = Path(__file__).parent / "task_book.typ"


@dataclass(frozen=True)
class Block:
    """A part of the document. `kind`: heading, text, facts (rows of two), table, note or signatures."""

    kind: str
    text: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    # Columns that hold numbers.
    numbers: tuple[int, ...] = ()
    # Columns as wide as what stands in them: it has no place to be broken.
    narrow: tuple[int, ...] = ()


def role_text(role: PartyRole) -> str:
    return {
        PartyRole.POSTER: gettext("Poster of the challenge"),
        PartyRole.LEAD: gettext("Lead of the team"),
        PartyRole.MEMBER: gettext("Member of the team"),
    }[role]


def wan(amount: Decimal | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}"


def blocks(book: TaskBook, number: int, reason: str = "") -> list[Block]:
    """The whole document in the current language; the Chinese one is what is signed."""
    return list(_blocks(book, number, reason))


def _blocks(book: TaskBook, number: int, reason: str) -> Iterator[Block]:
    facts = [
        (gettext("Challenge"), book.title),
        (gettext("Program"), book.program),
        (gettext("Authority"), book.authority),
        (gettext("Team"), gettext("Team %(number)s", number=book.team_number)),
        (gettext("Version"), str(number)),
        (
            gettext("Time limit"),
            gettext(
                "%(months)s months, from %(first)s to %(last)s",
                months=book.months,
                first=book.starts_on.isoformat(),
                last=book.last_day.isoformat(),
            ),
        ),
        (gettext("Money of the team"), f"{wan(book.total_wan)} 万元"),
    ]
    yield Block("facts", rows=tuple(facts))
    if reason:
        yield Block("heading", gettext("Reason for the amendment"))
        yield Block("text", reason)
    yield Block("heading", gettext("Parties"))
    yield Block(
        "table",
        head=(
            gettext("Part"),
            gettext("Organization"),
            gettext("Credit code"),
            gettext("Legal representative"),
            gettext("Contact"),
        ),
        rows=tuple(
            (role_text(item.role), item.name, item.credit_code, item.legal_representative, item.contact)
            for item in book.parties
        ),
        narrow=(0, 2),
    )
    yield from _titled(gettext("Main technical indicators"), book.indicators)
    yield from _titled(gettext("Main research content"), book.content)
    yield Block("heading", gettext("Requirements and who answers for them"))
    yield Block(
        "table",
        head=("#", gettext("Requirement"), gettext("Target"), gettext("Answers for it")),
        rows=tuple(
            (str(position), item.text, item.target, book.name_of(item.organization_id))
            for position, item in enumerate(book.tasks, start=1)
        ),
    )
    yield from _titled(gettext("Technical plan and work"), book.plan)
    yield from _money(book)
    yield Block("heading", gettext("Milestones and payments"))
    yield Block(
        "table",
        head=(
            "#",
            gettext("Milestone"),
            gettext("Deliverables"),
            gettext("Due"),
            gettext("Payment (万元)"),
        ),
        rows=(
            *(
                (
                    str(position),
                    _stage_title(item),
                    item.deliverables,
                    gettext("%(day)s (day %(days)s)", day=book.day_of(item).isoformat(), days=item.days),
                    wan(item.payment_wan),
                )
                for position, item in enumerate(book.stages, start=1)
            ),
            ("", gettext("In all"), "", "", wan(book.payments_wan)),
        ),
        numbers=(4,),
        narrow=(3, 4),
    )
    yield from _titled(gettext("Intellectual property"), book.ip_terms)
    yield from _titled(gettext("Sharing of benefits"), book.benefit_terms)
    yield from _titled(gettext("Pledge: what follows where a promise is not kept"), book.order_clause)
    yield from _titled(gettext("Other terms"), book.other_terms)
    yield Block("heading", gettext("Signatures"))
    yield Block(
        "signatures",
        head=(gettext("Seal and signature"), gettext("Day")),
        rows=tuple((role_text(item.role), item.name) for item in book.parties),
    )


def _titled(title: str, text: str) -> Iterator[Block]:
    if text.strip():
        yield Block("heading", title)
        yield Block("text", text.strip())


def _stage_title(stage: Stage) -> str:
    review = gettext("stage review of the horse race")
    return f"{stage.title}（{review}）" if stage.is_stage else stage.title


def _money(book: TaskBook) -> Iterator[Block]:
    yield Block("heading", gettext("Money by member"))
    years = sorted({year for share in book.shares for year, _wan in share.years})
    yield Block(
        "table",
        head=(
            gettext("Organization"),
            *(gettext("Year %(year)s (万元)", year=year) for year in years),
            gettext("Sum (万元)"),
        ),
        rows=(
            *(
                (
                    book.name_of(share.organization_id),
                    *(wan(dict(share.years).get(year)) for year in years),
                    wan(share.total_wan),
                )
                for share in book.shares
            ),
            (
                gettext("In all"),
                *(
                    wan(sum((dict(item.years).get(year, Decimal(0)) for item in book.shares), Decimal(0)))
                    for year in years
                ),
                wan(book.total_wan),
            ),
        ),
        numbers=tuple(range(1, len(years) + 2)),
    )


def pdf_of(book: TaskBook, number: int, reason: str = "") -> bytes:
    """The document as PDF; call it in a thread, under the locale of contracts."""
    return set_document(
        TEMPLATE,
        {
            "title": gettext("Task book of a reveal-the-list project, with the pledge to deliver"),
            "name": book.title,
            "blocks": [asdict(item) for item in blocks(book, number, reason)],
        },
    )


@dataclass(frozen=True)
class Difference:
    section: str
    what: str
    before: str
    after: str

    @property
    def old_lines(self) -> list[tuple[str, bool]]:
        """Lines before, and whether each is one that the other version does not have there."""
        return _marked(self.before, self.after)

    @property
    def new_lines(self) -> list[tuple[str, bool]]:
        return _marked(self.after, self.before)


def _marked(text: str, other: str) -> list[tuple[str, bool]]:
    lines = text.split("\n") if text else []
    marked = [(line, True) for line in lines]
    matcher = SequenceMatcher(a=lines, b=other.split("\n"), autojunk=False)
    for start, _other, length in matcher.get_matching_blocks():
        marked[start : start + length] = [(line, False) for line in lines[start : start + length]]
    return marked


def differences(before: TaskBook, after: TaskBook) -> list[Difference]:
    """What one version says otherwise than another, in the order of the document."""
    old, new = dict(_lines(before)), dict(_lines(after))
    keys = list(dict.fromkeys([*new, *old]))
    order = {key: place for place, key in enumerate(_section_order(keys))}
    return [
        Difference(key[0], key[1], old.get(key, ""), new.get(key, ""))
        for key in sorted(keys, key=lambda item: order[item])
        if old.get(key, "") != new.get(key, "")
    ]


def _section_order(keys: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    sections = list(dict.fromkeys(key[0] for key in keys))
    return sorted(keys, key=lambda item: sections.index(item[0]))


def _lines(book: TaskBook) -> Iterator[tuple[tuple[str, str, str], Any]]:
    """(section, what, key) and text of everything that may change."""
    time = gettext("Time limit")
    yield (time, gettext("Beginning"), ""), book.starts_on.isoformat()
    yield (time, gettext("Months"), ""), str(book.months)
    for party in book.parties:
        yield (
            (gettext("Parties"), party.name, str(party.organization_id)),
            "，".join(
                item
                for item in (
                    role_text(party.role),
                    party.credit_code,
                    party.legal_representative,
                    party.contact,
                )
                if item
            ),
        )
    for task in book.tasks:
        key = str(task.requirement_id)
        yield (
            (gettext("Requirements"), task.text, key),
            f"{task.target}（{book.name_of(task.organization_id)}）",
        )
    for share in book.shares:
        yield (
            (gettext("Money by member"), book.name_of(share.organization_id), str(share.organization_id)),
            "，".join([*(wan(amount) for _year, amount in share.years), wan(share.total_wan)]),
        )
    for position, stage in enumerate(book.stages, start=1):
        key, section = str(stage.key), gettext("Milestones and payments")
        yield (
            (section, gettext("Milestone %(number)s", number=position), key),
            "\n".join(
                [
                    _stage_title(stage),
                    stage.deliverables,
                    gettext("%(day)s (day %(days)s)", day=book.day_of(stage).isoformat(), days=stage.days),
                    f"{wan(stage.payment_wan)} 万元",
                ]
            ),
        )
    for title, text in (
        (gettext("Technical plan and work"), book.plan),
        (gettext("Intellectual property"), book.ip_terms),
        (gettext("Sharing of benefits"), book.benefit_terms),
        (gettext("Pledge: what follows where a promise is not kept"), book.order_clause),
        (gettext("Other terms"), book.other_terms),
    ):
        yield (gettext("Terms"), title, ""), text
