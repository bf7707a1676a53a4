"""The texts that indexes hold, and how they are split into the terms that are stored when something is saved."""

from collections.abc import Collection, Sequence

from matching.index import DocumentTokens
from matching.tokenizer import default_tokenizer


class TermSplitter:
    """Splits a text as the indexes do. Takes long for long texts: call it in a thread."""

    @property
    def fingerprint(self) -> str:
        """Stored beside the terms: terms of another fingerprint are made again, see `terms_in`."""
        return default_tokenizer().fingerprint

    def __call__(self, text: str, /) -> list[str]:
        return default_tokenizer().terms(text)


terms_of_text = TermSplitter()


def terms_in(tokens: Sequence[str], fingerprint: str, text: str) -> Sequence[str]:
    """Stored terms of a text if this process's tokenizer made them, else new ones."""
    return tokens if fingerprint == terms_of_text.fingerprint else terms_of_text(text)


def challenge_text(
    title: str, difficulty: str, indicators: str, content: str, requirements: Collection[tuple[str, str]]
) -> str:
    """The text of a challenge that is searched: what its tokens are made of. Requirements are (text, target)."""
    parts = [title, difficulty, indicators, content, *(part for pair in requirements for part in pair)]
    return "\n".join(part for part in parts if part)


def profile_tokens(
    tokens: Sequence[str], summary: str, items: Sequence[tuple[str, Sequence[str]]]
) -> DocumentTokens:
    """The terms of a profile with its evidence; `items` are (text, terms).

    As in matching.index.tokens_of: what a summary already quotes in full does not count twice.
    """
    whole = list(tokens)
    for text, terms in items:
        if not (text.strip() and text in summary):
            whole.extend(terms)
    each = tuple(tuple(terms) for _text, terms in items)
    return DocumentTokens(whole=tuple(whole), items=each or ((tuple(whole),) if whole else ()))
