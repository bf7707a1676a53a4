"""Hold the tokenizer beside jieba on real texts: the same words run by run, and how fast from raw text.

    python -m benchmarks.tokenizer_identity PATH [--limit N]

PATH is a `.jsonl` or `.jsonl.gz` file with `title` and `text` in each line.  Every run of Chinese characters is cut by
jieba and by the fast cutter, in precise and in search mode; what differs is listed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.machine import describe_machine
from matching import tokenizer as tokenizing
from matching.documents import Document
from matching.index import Index
from matching.tokenizer import Tokenizer, han_runs, normalize

RESULTS = Path(__file__).parent / "results"
LISTED = 20
# jieba needs most of a minute for ten thousand abstracts; a part of them tells its rate.
TIMED_TEXTS = 2000


def texts_of(path: Path, limit: int | None) -> list[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [json.loads(line) for line in data.decode("utf-8").split("\n") if line]
    return [f"{row.get('title') or ''}\n{row.get('text') or ''}" for row in rows[:limit]]


def identity(runs: list[str]) -> dict[str, Any]:
    import rjieba

    reference = tokenizing.jieba_with(())
    fast = rjieba.Jieba()
    modes: dict[str, tuple[Callable[[str], list[str]], Callable[[str], list[str]]]] = {
        "precise": (reference.lcut, lambda text: fast.cut(text, True)),
        "search": (reference.lcut_for_search, lambda text: fast.cut_for_search(text, True)),
    }
    found: dict[str, Any] = {}
    for name, (ours, theirs) in modes.items():
        different = [run for run in runs if ours(run) != theirs(run)]
        found[name] = {
            "identical": len(runs) - len(different),
            "different": [
                {"run": run, "jieba": ours(run), "rjieba": theirs(run)} for run in different[:LISTED]
            ],
        }
    return found


def rates(texts: list[str]) -> Iterator[tuple[str, float]]:
    """Characters in a second of processor time, for each way from raw text."""
    characters = sum(map(len, texts))
    fast, slow = Tokenizer(), Tokenizer(fast=False)
    reference = tokenizing.jieba_with(())
    documents = [Document(id=str(number), text=text) for number, text in enumerate(texts)]
    # Dictionaries are loaded and loops compiled before anything is timed.
    Index.build(documents[:10], tokenizer=fast)
    slow.terms("合金")

    def rate(call: Callable[[], object]) -> float:
        start = time.process_time()
        call()
        return characters / (time.process_time() - start)

    yield "words (tokenize)", rate(lambda: [fast.tokenize(text) for text in texts])
    yield "words and pairs (terms)", rate(lambda: [fast.terms(text) for text in texts])
    yield "words and pairs, cut by jieba", rate(lambda: [slow.terms(text) for text in texts])
    yield "index of both levels from raw text", rate(lambda: Index.build(documents, tokenizer=fast))
    yield "jieba alone", rate(lambda: [reference.lcut(text) for text in texts])
    options: dict[str, Any] = {"tokenizer": reference.lcut, "token_pattern": None}
    vectorizer: Any = TfidfVectorizer(**options)
    yield "TfidfVectorizer with jieba", rate(lambda: vectorizer.fit_transform(texts))


def report(path: Path, limit: int | None) -> dict[str, Any]:
    texts = texts_of(path, limit)
    runs = [run for text in texts for run in han_runs(normalize(text))]
    return {
        "machine": describe_machine(),
        "texts": len(texts),
        "characters": sum(map(len, texts)),
        "runs": len(runs),
        "identity": identity(runs),
        "characters_per_second": dict(rates(texts[:TIMED_TEXTS])),
    }


def markdown(found: dict[str, Any]) -> str:
    machine, rate = found["machine"], found["characters_per_second"]
    lines = [
        "# The tokenizer beside jieba",
        "",
        f"{machine['date']}, {machine['processor']}, Python {machine['python']}, jieba {machine['jieba']}, "
        f"rjieba {machine['rjieba']}.",
        f"{found['texts']:,} texts, {found['characters']:,} characters, {found['runs']:,} runs of Chinese characters.",
        "",
        "| mode | runs cut the same | different |",
        "|---|---:|---:|",
    ]
    for mode, of_mode in found["identity"].items():
        lines.append(f"| {mode} | {of_mode['identical']:,} | {found['runs'] - of_mode['identical']:,} |")
    for mode, of_mode in found["identity"].items():
        lines += [
            f"\n{mode}: `{each['run']}`: {'/'.join(each['jieba'])} – {'/'.join(each['rjieba'])}"
            for each in of_mode["different"]
        ]
    base = rate["TfidfVectorizer with jieba"]
    lines += ["", "| one process | characters per second | times the vectorizer |", "|---|---:|---:|"]
    lines += [f"| {name} | {each:,.0f} | {each / base:.1f} |" for name, each in rate.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()
    found = report(arguments.path, arguments.limit)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tokenizer_identity.md").write_text(markdown(found), encoding="utf-8")
    (RESULTS / "tokenizer_identity.json").write_text(
        json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    print(markdown(found))


if __name__ == "__main__":
    main()
