"""The texts of a profile that are split into terms: what is stored as tokens is what an index shows and marks."""

from collections.abc import Sequence


def profile_text(summary: str, team: str, keywords: Sequence[str]) -> str:
    """The text of a profile without its evidence."""
    return "\n".join(part for part in (summary, team, "、".join(keywords)) if part)


def evidence_body(text: str, keywords: Sequence[str]) -> str:
    """The text of an evidence item without its title."""
    return "\n".join(part for part in (text, "、".join(keywords)) if part)


def evidence_text(title: str, text: str, keywords: Sequence[str]) -> str:
    body = evidence_body(text, keywords)
    return f"{title}\n{body}" if body else title
