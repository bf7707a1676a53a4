"""Split Chinese technical text into terms, and say where in the original text each one stands.

The text is normalised (NFKC, casefold, simplified characters), cut into runs of one script, and only the runs of
Chinese characters are given to jieba.  Latin letters, digits and signs are split here, so that names of alloys, chips, standards and
measured values stay what their writers mean: `Ti-6Al-4V`, `5nm`, `GB/T 4754`, `PM2.5`, `±0.01℃`.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress
from operator import add
from pathlib import Path
from typing import Any, NamedTuple, cast

from opencc import OpenCC

# Raised whenever the same text and dictionary can give other tokens than before: stored tokens and indexes record it.
TOKENIZER_VERSION = 4

# Words of the closed classes of Chinese grammar: they join, point and grade, and name nothing that anybody could do.
# Words that merely are frequent ("研究", "技术", "方法") stay: the inverse document frequency of the collection at hand
# weighs them better than a list could, and a query made only of them still finds something.
STOP_WORDS = frozenset(
    word
    for line in (
        # particles and auxiliaries
        "的 地 得 了 着 过 之 所 者 们 吗 呢 吧 而言 来看 来说",
        # conjunctions
        "和 与 及 以及 及其 或 或者 而 而且 而是 并 并且 但 但是 则 因 因为 所以 因此 因而 由此 从而 进而 继而 如 如果 若 即 且",
        "同时 然后 然而 此外 另外 不仅 不但 不是 虽然 尽管 即使 还是 只有 无论 乃至 以便 以期 总之 反之",
        # prepositions
        "在 于 对 对于 关于 由 由于 自 从 以 为 为了 向 至 到 按 按照 根据 依据 基于 针对 鉴于 随着 除了 通过 把 被 将",
        "比 等 等等 其 其中",
        # copulas and adverbs of degree, order and scope
        "是 有 也 亦 都 又 还 就 便 却 才 只 很 更 最 较 均 已 已经 可 可以 能 能够 会 要 不 没有 仍 仍然 尚 尚未 并未",
        "更加 更为 较为 最为 非常 尤其 甚至 越来越 逐渐 进一步 分别 首先 其次 一直",
        # pronouns and indefinite numbers
        "这 那 该 此 本 各 每 某 这些 那些 某些 这种 此类 各种 各类 各个 各项 每个 任何 其他 其它 如何 什么",
        "我们 我 你 他 它 它们 他们 本文 该文 一个 一种 一些 一项 一系列 之一 不少 许多 诸多 众多 很多 若干 大多 大多数 多数 少数",
        # the same in English, which titles and abstracts mix in
        "a an and are as at be by for from in is it its of on or that the this to was were with",
    )
    for word in line.split()
)

_LETTER = r"a-z\u00df-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u04ff"
# What jieba's dictionary and model know of; rarer characters are words by themselves, as jieba would have them too.
_LAST_HAN = "\u9fd5"
_HAN = rf"\u4e00-{_LAST_HAN}"
_RARE_HAN = r"\u3400-\u4dbf\u9fd6-\u9fff\uf900-\ufaff\u3007\U00020000-\U000323af"
_NUMBER = r"\d+(?:\.\d+)*"
# Units that are commonly written apart from their number; those written together need no list.
_UNIT = (
    r"(?:°c|°f|°|%|‰|k?pa|[mg]pa|[kmgt]?hz|[knμumcd]?m[23]?|[kmμun]?g|[kmμun]?l|[kmμun]?s|min|h|d|[kmg]?w|[kmg]?wh"
    r"|[kmμun]?v|[kmμun]?a|ma\s?h|k?[ωj]|[kmg]?ev|[kmgt]?b|[kmgt]?bps|ppm|ppb|db|dbm|rpm|mol|k|t|n|kn)"
)
_EDITION_OF = r"[-‐-―:]"
# One pass over the normalised text; the first alternative that matches at a place wins.
_RUNS = re.compile(
    rf"(?P<han>[{_HAN}]+)"
    # standards: GB/T 4754-2017, GB 32100-2015, ISO 9001:2015, DB33/T 2000, ISO/IEC 27001; others by their year: HJ 212-2017
    rf"|(?P<standard>(?<![{_LETTER}\d])(?:(?:[a-z]{{2,4}}\d{{0,2}}/[tz]|gb|gjb|iso(?:/iec)?|iec|astm|ieee)\s?[a-z]?\d+(?:\.\d+)*"
    rf"(?:{_EDITION_OF}\d{{2,4}})?|[a-z]{{2,3}}\s?\d+(?:\.\d+)*{_EDITION_OF}(?:19|20)\d\d)(?![{_LETTER}\d]))"
    # measured values: ±0.01 ℃, 5 nm, 95%, 100 mg/l, 9.8 m/s², 50 Ω·cm
    rf"|(?P<measure>±?\s?{_NUMBER}\s?{_UNIT}(?:[/·]{_UNIT}[23]?)?(?![{_LETTER}\d]))"
    # names: Ti-6Al-4V, PM2.5, COVID-19, pg_dump, R&D, C++, Ca2+; a hyphen between two digits is a range, no name
    rf"|(?P<name>±?[{_LETTER}\d](?:[{_LETTER}\d]|(?<=\d)\.(?=\d)|(?<=[{_LETTER}])[-&](?=[{_LETTER}\d])|(?<=\d)-(?=[{_LETTER}])|_(?=[{_LETTER}\d]))*"
    rf"(?:\+{{1,2}}(?![{_LETTER}\d])|\#)?)"
    rf"|(?P<rare>[{_RARE_HAN}])"
    r"|(?P<other>[^\W\d_]+)"
)
_SPACE = re.compile(r"\s+")
# Single letters and digits, as in `β` of `TGF-β1`, would match everywhere.
_PART = re.compile(rf"(?:[{_LETTER}\d]|(?<=\d)\.(?=\d)){{2,}}")
_DASH = re.compile(_EDITION_OF)
_EDITION = re.compile(rf"{_EDITION_OF}\d{{2,4}}$")


# Between runs: neither cutter looks across it, so that one call cuts them all; a call costs more than a run.
_BREAK = " "
_PAIRS = frozenset({"ww", "ws", "sw"})
# From a text to its words, which join to the text again.
Cutter = Callable[[str], list[str]]


class Span(NamedTuple):
    """A term and its place in the text as it was given: `text[start:end]`."""

    start: int
    end: int
    token: str


class Tokenizer:
    """Splits text; `dictionary` adds words of a deployment's own field to jieba's.

    `fast` cuts with rjieba instead of jieba, with the same result.  Safe to share between threads.  Loading a
    dictionary takes about half a second and happens at the first use, without the cache file that jieba would leave
    in the shared temporary directory, where anybody could replace it.
    """

    def __init__(
        self, dictionary: Iterable[str] = (), stop_words: Iterable[str] = STOP_WORDS, *, fast: bool = True
    ) -> None:
        self.dictionary: tuple[str, ...] = tuple(
            sorted({normalize(word) for word in dictionary if word.strip()})
        )
        self.stop_words: frozenset[str] = frozenset(stop_words)
        self._no_terms = self.stop_words | {_BREAK}
        self.fast = fast
        self._cut: Cutter | None = None
        self._loading = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """Names everything that decides the tokens; tokens of another fingerprint must not be mixed in."""
        words = "\n".join([*self.dictionary, "", *sorted(self.stop_words)])
        return f"jieba-{TOKENIZER_VERSION}-{hashlib.sha256(words.encode()).hexdigest()[:16]}"

    def tokenize(self, text: str) -> list[str]:
        """The terms of `text` in reading order, without stop words and punctuation.

        >>> Tokenizer().tokenize("航空用Ti-6Al-4V合金的温度控制在±0.01 ℃")
        ['航空', '用', 'ti-6al-4v', '合金', '温度控制', '±0.01°c']
        """
        return [token for _, _, token in self._places(normalize(text), with_parts=False)]

    def spans(self, text: str) -> list[Span]:
        """As `tokenize`, each term with its place in the original text, for highlighting."""
        normalized, starts, ends = _normalize_with_places(text)
        return [
            Span(starts[start], ends[end - 1], token)
            for start, end, token in self._places(normalized, with_parts=False)
        ]

    def terms(self, text: str) -> list[str]:
        """What an index holds of `text`: its words, pairs of neighbouring characters, the parts of its names.

        Words are what people mean, pairs find what is cut differently in another sentence; a name such as
        `ROACH2-GPU` is also found by each of its parts.  A word of two characters is a pair too and so counts twice; a
        pair of nothing but stop words is none.

        >>> Tokenizer().terms("涂层与Ti-6Al-4V")
        ['涂层', '涂层', '层与', 'ti-6al-4v', 'ti', '6al', '4v']
        """
        han: list[str] = []
        names: list[re.Match[str]] = []
        for run in _RUNS.finditer(normalize(text)):
            if run.lastgroup == "han":
                han.append(run.group())
            else:
                names.append(run)
        joined = _BREAK.join(han)
        words = self._loaded()(joined)
        found = [word for word in words if word not in self._no_terms]
        found += compress(map(add, joined, joined[1:]), self._are_pairs(words))
        for run in names:
            found += [term for _, _, term in self._name(run, with_parts=True)]
        return found

    def term_spans(self, text: str) -> list[Span]:
        """As `terms`, each with its place in the original text; they overlap."""
        normalized, starts, ends = _normalize_with_places(text)
        return [
            Span(starts[start], ends[end - 1], term)
            for start, end, term in self._places(normalized, with_parts=True)
        ]

    def _places(self, normalized: str, with_parts: bool) -> Iterator[tuple[int, int, str]]:
        """Words and names with their places; `with_parts` adds to each run what `terms` says."""
        runs = list(_RUNS.finditer(normalized))
        words = self._loaded()(_BREAK.join(run.group() for run in runs if run.lastgroup == "han"))
        next_word = 0
        for run in runs:
            if run.lastgroup != "han":
                yield from self._name(run, with_parts)
                continue
            first, place = next_word, run.start()
            while place < run.end():
                word = words[next_word]
                if word not in self.stop_words:
                    yield place, place + len(word), word
                place += len(word)
                next_word += 1
            if with_parts:
                places = range(run.start(), run.end() - 1)
                for place in compress(places, self._are_pairs(words[first:next_word])):
                    yield place, place + 2, normalized[place : place + 2]
            # Past the break.
            next_word += 1

    def _are_pairs(self, words: Sequence[str]) -> list[bool]:
        """For each two neighbouring characters of the words whether they are a term."""
        stop_words = self.stop_words
        # One letter for each character: of a word, a stop word or a break.
        kinds = "".join(
            [("s" if word in stop_words else " " if word == _BREAK else "w") * len(word) for word in words]
        )
        return [pair in _PAIRS for pair in map(add, kinds, kinds[1:])]

    def _name(self, run: re.Match[str], with_parts: bool) -> list[tuple[int, int, str]]:
        """A name or measured value, and its parts."""
        start, end = run.span()
        text = run.group()
        token = _SPACE.sub("", text)
        if run.lastgroup == "standard":
            token = _DASH.sub("-", token)
        found = [(start, end, token)] if token not in self.stop_words else []
        if with_parts and run.lastgroup == "name" and not text.isalnum():
            parts = [
                (start + part.start(), start + part.end(), part.group()) for part in _PART.finditer(text)
            ]
            found.extend(part for part in parts if part[:2] != (start, end))
        elif with_parts and run.lastgroup == "standard":
            # GB/T 4754 is meant whichever year's edition is named.
            edition = _EDITION.sub("", text)
            if edition != text:
                found.append((start, start + len(edition), _SPACE.sub("", edition)))
        return found

    def _loaded(self) -> Cutter:
        if self._cut is None:
            with self._loading:
                if self._cut is None:
                    self._cut = load_rjieba(self.dictionary) if self.fast else load_jieba(self.dictionary)
        return self._cut


def han_runs(normalized: str) -> list[str]:
    """The runs of a normalised text that are given to the cutter."""
    return [run.group() for run in _RUNS.finditer(normalized) if run.lastgroup == "han"]


def load_jieba(dictionary: Sequence[str]) -> Cutter:
    """jieba in precise mode with its model for unknown words: the reference."""
    return jieba_with(dictionary).lcut


def load_rjieba(dictionary: Sequence[str]) -> Cutter:
    """The same in Rust, about ten times as fast; a test holds it to the reference word by word."""
    from rjieba import Jieba

    cutter = Jieba()
    if dictionary:
        # The reference says what frequency keeps a new word whole.
        frequencies = jieba_with(dictionary).FREQ
        for word in dictionary:
            cutter.add_word(word, frequencies[word], "n")
    cut: Callable[[str, bool], list[str]] = cutter.cut
    return lambda text: cut(text, True)


def jieba_with(dictionary: Sequence[str]) -> Any:
    """A tokenizer of jieba itself with an own dictionary."""
    with warnings.catch_warnings():
        # jieba 0.42.1 has invalid escape sequences and imports pkg_resources; neither concerns our users.
        warnings.simplefilter("ignore")
        import jieba  # pyright: ignore[reportMissingTypeStubs] - it has none
    logging.getLogger("jieba").setLevel(logging.WARNING)
    cutter: Any = jieba.Tokenizer()
    # What jieba's own `initialize` does, less its marshal file in the temporary directory.
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    for word in dictionary:
        cutter.add_word(word)
    return cutter


def read_dictionary(path: Path) -> tuple[str, ...]:
    """The words of a file with one a line, in jieba's format or without its further columns; `#` begins a comment."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    words = (line.partition("#")[0].split() for line in lines)
    return tuple(word[0] for word in words if word)


_dictionary: tuple[str, ...] = ()


def use_dictionary(words: Iterable[str]) -> None:
    """Add words to the dictionary of `default_tokenizer`, before anything was split by it."""
    global _dictionary
    _dictionary = tuple(words)
    default_tokenizer.cache_clear()


@lru_cache(maxsize=1)
def default_tokenizer() -> Tokenizer:
    """The tokenizer that everything in a process shares unless it brings its own."""
    return Tokenizer(_dictionary)


def tokenize(text: str) -> list[str]:
    """The terms of `text` by the shared tokenizer."""
    return default_tokenizer().tokenize(text)


def spans(text: str) -> list[Span]:
    """The terms of `text` with their places, by the shared tokenizer."""
    return default_tokenizer().spans(text)


def normalize(text: str) -> str:
    """One spelling for full-width, compatibility, capital and traditional forms (NFKC, casefold, OpenCC)."""
    normalized = text.translate(_SPELLINGS)
    return _normalize_with_places(text)[0] if _HAS_MARK in normalized else _simplified(normalized)


def _simplified(text: str) -> str:
    """The text in simplified characters, one for each, by the phrases they stand in: 乾燥 is 干燥, 乾坤 stays."""
    if text.isascii():
        return text
    converted = _converter()(text)
    if converted == text:
        return text
    if len(converted) != len(text):
        converted = "".join(map(_converter(), text))
    # A form that is in no dictionary would tear a word apart: 噁 in 二噁英 stays.
    return "".join(new if new <= _LAST_HAN else old for new, old in zip(converted, text, strict=True))


@lru_cache(maxsize=1)
def _converter() -> Callable[[str], str]:
    return cast("Any", OpenCC("t2s")).convert


class _Spellings(dict[int, str]):
    """The normalised form of each character that was met; a combining mark, which alters its neighbour, says so."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        combines = unicodedata.combining(character) or character == _HAS_MARK
        self[code] = _HAS_MARK if combines else unicodedata.normalize("NFKC", character).casefold()
        return self[code]


# A noncharacter: no text means it.
_HAS_MARK = "\ufffe"
_SPELLINGS = _Spellings()


def _normalize_with_places(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """The normalised text, and for each of its characters where its origin starts and ends in `text`."""
    if text.isascii() or (unicodedata.is_normalized("NFKC", text) and len(text.casefold()) == len(text)):
        return _simplified(text.casefold()), range(len(text)), range(1, len(text) + 1)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    start = 0
    while start < len(text):
        end = start + 1
        # A base character and its combining marks become one; they are normalised together.
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = unicodedata.normalize("NFKC", text[start:end]).casefold()
        pieces.append(piece)
        starts.extend([start] * len(piece))
        ends.extend([end] * len(piece))
        start = end
    return _simplified("".join(pieces)), starts, ends
