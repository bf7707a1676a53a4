"""What a list of found texts shows of each: a few words around what was searched for, the terms marked."""

from collections.abc import Collection, Sequence

from challenges.indexes import terms_of_text
from matching.explanation import Piece, mark

# Two lines of a list.
EXCERPT_LENGTH = 110
# So much of the text before the first hit is kept as its context.
EXCERPT_LEAD = 20


def closest(texts: Sequence[tuple[str, str]], terms: Collection[str]) -> tuple[str, str]:
    """Of (title, text) the one that shares most terms; of equal ones the first."""
    wanted = set(terms)
    shared = [len(wanted.intersection(terms_of_text(f"{title}\n{text}"))) for title, text in texts]
    return texts[shared.index(max(shared))]


def excerpt(text: str, terms: Collection[str], length: int = EXCERPT_LENGTH) -> list[Piece]:
    """About `length` characters of a text from shortly before its first marked term.

    >>> excerpt("高温合金叶片的涂层", {"涂层"}, length=4)
    [Piece(text='…', marked=False), Piece(text='片的', marked=False), Piece(text='涂层', marked=True)]
    """
    text = " ".join(text.split())
    pieces = mark(text, terms) if terms else ([Piece(text, marked=False)] if text else [])
    first, place = None, 0
    for piece in pieces:
        if piece.marked:
            first = place
            break
        place += len(piece.text)
    start = max(0, min((first or 0) - min(EXCERPT_LEAD, length // 2), len(text) - length))
    cut: list[Piece] = [Piece("…", marked=False)] if start else []
    place = 0
    for piece in pieces:
        inside = piece.text[max(0, start - place) : max(0, start + length - place)]
        if inside:
            cut.append(Piece(inside, marked=piece.marked))
        place += len(piece.text)
    if start + length < len(text):
        cut.append(Piece("…", marked=False))
    return cut
