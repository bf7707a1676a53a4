"""A saved index answers as the one that was saved, and no accident leaves half a version to be read."""

import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from matching import saved
from matching.attributes import Filters
from matching.documents import Document, Evidence, Query, QueryPart
from matching.index import Index
from matching.ranking import rank
from matching.saved import (
    MANIFEST,
    SavedIndexError,
    open_index,
    open_latest,
    publish,
    remove_old,
    verify,
    versions_of,
)
from matching.stored_names import NameList, StoredNames
from matching.tokenizer import Tokenizer

DOCUMENTS = [
    Document(
        "c",
        "单晶叶片定向凝固",
        (Evidence("型壳温度控制", title="型壳"),),
        "精铸",
        "enterprise",
        "small",
        "辽宁省沈阳市",
    ),
    Document("a", "热障涂层", (), "涂层所", "research_institute", None, "江苏省", frozenset({"专精特新"})),
    Document(
        "b",
        "电子商务平台与热障",
        (Evidence("平台"), Evidence("涂层检测")),
        "蓝海",
        "enterprise",
        "micro",
        None,
    ),
]
QUERIES = [
    Query("热障涂层的定向凝固"),
    Query("叶片", (QueryPart("r1", "热障涂层", 2.0), QueryPart("r2", "型壳温度"))),
    Query("没有人会的事情"),
    Query(""),
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "filters", [None, Filters(kinds=frozenset({"enterprise"})), Filters(excluded_ids=frozenset({"a"}))]
)
def test_a_saved_index_answers_as_the_one_in_memory(
    tmp_path: Path, query: Query, filters: Filters | None
) -> None:
    index = Index.build(DOCUMENTS)
    opened = open_index(publish(index, tmp_path))
    assert rank(opened, query, 10, filters) == rank(index, query, 10, filters)


def test_ids_names_and_attributes_are_kept_and_texts_are_not(tmp_path: Path) -> None:
    opened = open_index(publish(Index.build(DOCUMENTS), tmp_path))
    assert [
        (each.id, each.name, each.kind, each.size, each.region, each.certificates)
        for each in opened.documents
    ] == [(each.id, each.name, each.kind, each.size, each.region, each.certificates) for each in DOCUMENTS]
    assert opened.position["b"] == 2
    assert "nobody" not in opened.position
    assert opened.documents[0].text == ""


def test_an_empty_index_can_be_saved(tmp_path: Path) -> None:
    assert rank(open_index(publish(Index.build([]), tmp_path)), Query("涂层")) == []


def test_the_last_version_is_opened_and_old_ones_go_when_nobody_reads_them(tmp_path: Path) -> None:
    for count in (1, 2, 3):
        publish(Index.build(DOCUMENTS[:count]), tmp_path)
    first = open_index(versions_of(tmp_path)[0])
    assert len(open_latest(tmp_path).documents) == 3
    assert [path.name for path in remove_old(tmp_path)] == ["v00000002"]
    assert [each.id for each in rank(first, Query("叶片"))] == ["c"]
    del first
    gc.collect()
    assert [path.name for path in remove_old(tmp_path)] == ["v00000001"]
    assert [path.name for path in versions_of(tmp_path)] == ["v00000003"]


def test_a_version_that_another_process_reads_stays_until_that_is_killed(tmp_path: Path) -> None:
    publish(Index.build(DOCUMENTS[:1]), tmp_path)
    program = f"""
import sys, time
from pathlib import Path
from matching.saved import open_latest
index = open_latest(Path({str(tmp_path)!r}))
print("reading", flush=True)
time.sleep(600)
"""
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        publish(Index.build(DOCUMENTS), tmp_path)
        assert remove_old(tmp_path) == []
        reader.kill()
    assert [path.name for path in remove_old(tmp_path)] == ["v00000001"]
    assert len(open_latest(tmp_path).documents) == len(DOCUMENTS)


def test_facts_and_the_ids_of_items_are_kept(tmp_path: Path) -> None:
    document = Document("a", "涂层", (Evidence("寿命", title="甲", id="i1"), Evidence("检测", id="i2")))
    opened = open_index(publish(Index.build([document]), tmp_path, {"revision": 7}))
    assert opened.facts == {"revision": 7}
    assert [item.id for item in opened.documents[0].evidence] == ["i1", "i2"]


def test_nothing_saved_is_said_to_be_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_latest(tmp_path / "nowhere")


def test_other_tokens_are_refused(tmp_path: Path) -> None:
    version = publish(Index.build(DOCUMENTS), tmp_path)
    with pytest.raises(SavedIndexError, match="was made by"):
        open_index(version, Tokenizer(dictionary=["定向凝固"]))


def test_another_format_is_refused(tmp_path: Path) -> None:
    version = publish(Index.build(DOCUMENTS), tmp_path)
    manifest = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    (version / MANIFEST).write_text(json.dumps(manifest | {"format": 0}), encoding="utf-8")
    with pytest.raises(SavedIndexError, match="format"):
        open_index(version)


def test_damage_is_found_and_a_sound_version_passes(tmp_path: Path) -> None:
    version = publish(Index.build(DOCUMENTS), tmp_path)
    verify(version)
    path = version / "items_values.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(SavedIndexError, match="items_values"):
        verify(version)
    path.unlink()
    with pytest.raises(SavedIndexError):
        open_index(version)


# The first array, one in the middle, the manifest's flush, before and after the renaming.
@pytest.mark.parametrize(
    ("function", "call", "survivors"),
    [
        ("saved._write", 1, ["v00000001"]),
        ("saved._write", 20, ["v00000001"]),
        ("saved._flush_directory", 1, ["v00000001"]),
        ("saved.versions_of", 1, ["v00000001"]),
        ("saved._flush_directory", 2, ["v00000001", "v00000002"]),
    ],
)
def test_a_builder_that_is_killed_leaves_a_complete_version_serving(
    tmp_path: Path, function: str, call: int, survivors: list[str]
) -> None:
    publish(Index.build(DOCUMENTS), tmp_path)
    program = f"""
import os, signal
from pathlib import Path
from matching import saved
from matching.index import Index
from matching.documents import Document
calls = 0
whole = {function}
def dying(*arguments):
    global calls
    calls += 1
    if calls == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments)
{function} = dying
saved.publish(Index.build([Document("z", "涂层")]), Path({str(tmp_path)!r}))
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(root)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in versions_of(tmp_path)] == survivors
    for version in versions_of(tmp_path):
        verify(version)
    assert len(open_latest(tmp_path).documents) == (len(DOCUMENTS) if len(survivors) == 1 else 1)
    remove_old(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == survivors[-1:]


def test_what_a_living_builder_writes_is_not_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = saved._write

    def sweeping(path: Path, array: np.ndarray) -> str:
        assert remove_old(tmp_path) == []
        return write(path, array)

    monkeypatch.setattr(saved, "_write", sweeping)
    verify(publish(Index.build(DOCUMENTS), tmp_path))


def test_a_failure_while_writing_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr("matching.saved._write", failing)
    with pytest.raises(OSError, match="no space"):
        publish(Index.build(DOCUMENTS), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_many_names_find_their_numbers_and_others_find_none() -> None:
    names = NameList.of([f"词{number}" for number in range(5000)] + [""])
    stored = StoredNames.of(names)
    assert stored.numbers(["词4999", "词0", "", "词5000", "别的"]) == [4999, 0, 5000, -1, -1]
    assert np.array_equal(stored.numbers(list(names)), np.arange(5001))
