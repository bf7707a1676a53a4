"""What the matcher reads: solvers with their evidence, challenges with their requirements."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from matching.quota import QuotaRule


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that shows what a solver can do: a capability, patent, paper, project, product, equipment, standard.

    `id` is whatever an application knows it by; it is kept and not read.
    """

    text: str
    title: str = ""
    id: str = ""

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its parts, under an id: what an index holds.

    A solver's profile and its evidence items, or a challenge and its requirements when challenges are searched.
    The attributes after `evidence` are there to be filtered by.
    """

    id: str
    text: str = ""
    evidence: tuple[Evidence, ...] = ()
    name: str = ""
    kind: str | None = None
    size: str | None = None
    region: str | None = None
    certificates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Solver(Document):
    """An organization that may take a challenge from the list.

    `size` is that of an enterprise and None for all others; `controlled_by` are the ids of organizations that control it.
    """

    controlled_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryPart:
    """A part of a query that is also scored by itself; weights are relative to one another."""

    id: str
    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """A text to find documents for, and its parts."""

    text: str
    parts: tuple[QueryPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirement:
    """One part of a challenge; `weight` is relative to the other requirements'."""

    id: str
    text: str
    weight: Decimal = Decimal(1)
    budget_wan: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A problem that somebody is sought for."""

    id: str
    title: str
    text: str
    requirements: tuple[Requirement, ...] = ()
    quota: QuotaRule = field(default_factory=QuotaRule)

    def as_query(self) -> Query:
        """The challenge as a question to an index of solvers.

        Its whole text holds the requirements too; one that the text already quotes in full does not count twice.
        """
        text = f"{self.title}\n{self.text}"
        added = [part.text for part in self.requirements if part.text not in text]
        return Query(
            text="\n".join([text, *added]),
            parts=tuple(QueryPart(part.id, part.text, float(part.weight)) for part in self.requirements),
        )


def query_of_document(document: Document) -> Query:
    """A document as a question: a solver looking for challenges, a challenge for similar ones."""
    return Query(text="\n".join([document.text, *(item.whole for item in document.evidence)]))
