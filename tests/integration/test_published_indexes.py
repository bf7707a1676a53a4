"""Published indexes are shared by processes, followed by what was saved since, and never torn."""

import asyncio
import gc
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import NullPool, text, update

from challenges.indexes import Snapshot, solver_index, terms_of_text
from challenges.indexing import shelf as shelves_of
from challenges.indexing.entries import SOLVER_COLLECTION, solver_scope
from challenges.indexing.jobs import publish_indexes
from challenges.indexing.listener import Listener
from challenges.indexing.publishing import only_builder, publish_all, publish_lacking, retokenize
from challenges.indexing.shelf import root_of
from challenges.indexing.shelves import SHELVES, beside
from core.clock import shanghai_today, utc_now
from core.database import create_engine
from core.jobs import enqueue
from core.process import Process
from matching.saved import MANIFEST, versions_of
from matching.tokenizer import use_dictionary
from solvers.models import CapabilityProfile, Certificate, CertificateKind, Visibility
from tests.factories import Factory
from tests.integration.interleaving import DatabaseClock
from tests.integration.matchmaking import publish_profile

PUBLIC = frozenset({Visibility.PUBLIC})


@pytest.fixture
async def other(process: Process) -> AsyncIterator[Process]:
    other = Process(process.settings, create_engine(process.settings, poolclass=NullPool))
    yield other
    await other.engine.dispose()


async def index_of(process: Process, readable: frozenset[Visibility] = PUBLIC) -> Snapshot:
    async with process.transaction() as session:
        return await solver_index(session, readable)


async def found(process: Process, words: str) -> list[uuid.UUID]:
    return [key for key, _score in await (await index_of(process)).search(words)]


def root(process: Process) -> Path:
    return root_of(process.settings.data_dir, SOLVER_COLLECTION, solver_scope(PUBLIC))


async def publish(process: Process) -> list[Path]:
    return await asyncio.to_thread(
        publish_all, process.engine.sync_engine, process.settings.data_dir, SOLVER_COLLECTION
    )


async def refresh(process: Process) -> None:
    await asyncio.to_thread(
        SHELVES["solvers"].refresh, process.engine.sync_engine, process.settings.data_dir, warm=True
    )


async def test_the_job_publishes_once_and_every_process_answers_from_its_version(
    make: Factory, process: Process, other: Process, run_jobs: object
) -> None:
    organization = await make.organization()
    await publish_profile(make, organization, "叶片超声无损检测装备", ("探头", "相控阵探头"))
    before = await found(process, "无损检测")
    async with process.transaction() as session:
        await enqueue(session, publish_indexes, "solvers")
        await enqueue(session, publish_indexes, "solvers")
    await run_jobs()  # type: ignore[operator]
    assert [version.name for version in versions_of(root(process))] == ["v00000001"]
    await refresh(process)
    assert await found(process, "无损检测") == await found(other, "无损检测") == before == [organization.id]
    held = await index_of(other)
    assert held.index.base.facts["revision"] == held.revision
    [item] = held.document(organization.id).evidence
    assert (item.title, bool(uuid.UUID(item.id))) == ("探头", True)


async def test_what_was_saved_after_the_version_is_found_with_it(
    make: Factory, process: Process, other: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves_of, "SMALL", 0)
    for number in range(4):
        await publish_profile(make, await make.organization(), f"碳纤维预浸料{number}")
    await publish(process)
    late, hidden = await make.organization(), await make.organization()
    await publish_profile(make, late, "量子密钥分发")
    await publish_profile(make, hidden, "量子密钥分发", visibility=Visibility.MATCHER)
    for each in (process, other):
        held = await index_of(each)
        assert [key for key, _ in await held.search("量子密钥")] == [late.id]
        assert (len(held), len(held.index.base.documents)) == (5, 4)
        assert hidden.id not in held
        assert hidden.id in await index_of(each, frozenset(Visibility))


async def test_base_and_changes_hold_what_a_rebuild_holds(
    make: Factory, process: Process, other: Process
) -> None:
    kept = [await make.organization() for _ in range(3)]
    for number, organization in enumerate(kept):
        await publish_profile(make, organization, f"定向凝固铸造 型壳{number}", ("铸造", "单晶"))
    await publish(process)
    gone, edited = kept[0], kept[1]
    profile = await make.session.scalar(
        update(CapabilityProfile)
        .where(CapabilityProfile.organization_id == edited.id)
        .values(summary="酸奶菌种", tokens=terms_of_text("酸奶菌种"), index_revision=90)
        .returning(CapabilityProfile.id)
    )
    assert profile is not None
    await make.session.execute(
        update(CapabilityProfile)
        .where(CapabilityProfile.organization_id == gone.id)
        .values(visibility=Visibility.MATCHER, index_revision=91)
    )
    await make.session.execute(text("UPDATE collection_revision SET revision = 91"))
    await make.session.commit()
    grown = await index_of(process)
    await publish(process)
    await refresh(other)
    built = await index_of(other)
    for words in ("定向凝固", "酸奶菌种", "单晶"):
        assert {key for key, _ in await grown.search(words)} == {key for key, _ in await built.search(words)}
    assert gone.id not in grown


async def test_certificates_follow_the_day_without_anybody_saving(make: Factory, process: Process) -> None:
    today = shanghai_today()
    organization = await make.organization(
        certificates=[
            Certificate(
                kind=CertificateKind.HIGH_TECH,
                number="GR1",
                valid_from=today - timedelta(days=9),
                valid_until=today,
            )
        ]
    )
    await publish_profile(make, organization, "涂层")
    await publish(process)
    assert (await index_of(process)).document(organization.id).certificates == {"high_tech"}
    await DatabaseClock(process).install(utc_now() + timedelta(days=1))
    later = await index_of(process)
    assert later.document(organization.id).certificates == frozenset()
    assert later.day == today + timedelta(days=1)


async def test_readers_go_over_and_old_versions_go_when_nobody_reads_them(
    make: Factory, process: Process, other: Process
) -> None:
    await publish_profile(make, await make.organization(), "光刻胶")
    await publish(process)
    await refresh(process)
    await refresh(other)
    await publish(process)
    assert [version.name for version in versions_of(root(process))] == ["v00000001", "v00000002"]
    await refresh(process)
    gc.collect()
    assert [version.name for version in versions_of(root(process))] == ["v00000001", "v00000002"]
    await refresh(other)
    gc.collect()
    await refresh(process)
    assert [version.name for version in versions_of(root(process))] == ["v00000002"]


async def test_only_one_builds_at_a_time(make: Factory, process: Process) -> None:
    await publish_profile(make, await make.organization(), "光刻胶")
    engine = process.engine.sync_engine

    def build() -> list[Path]:
        return publish_lacking(engine, process.settings.data_dir, SOLVER_COLLECTION)

    with only_builder(engine, SOLVER_COLLECTION, wait=False) as is_alone:
        assert is_alone
        assert await asyncio.to_thread(build) == []
    assert len(await asyncio.to_thread(build)) == 3
    # Nothing is lacking any more.
    assert await asyncio.to_thread(build) == []


async def test_an_index_of_another_database_or_tokenizer_is_not_used_but_built_anew(
    make: Factory, process: Process, other: Process
) -> None:
    organization = await make.organization()
    await publish_profile(make, organization, "碳化硅外延片")
    [version, *_] = await publish(process)
    manifest = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    for changed in (
        manifest | {"tokenizer": "jieba-0"},
        manifest | {"facts": {**manifest["facts"], "lineage": str(uuid.uuid4())}},
        manifest | {"facts": {**manifest["facts"], "revision": 10**6}},
        manifest | {"facts": {}},
    ):
        (version / MANIFEST).write_text(json.dumps(changed), encoding="utf-8")
        reader = Process(process.settings, create_engine(process.settings, poolclass=NullPool))
        held = await index_of(reader)
        assert not held.index.base.facts
        assert [key for key, _ in await held.search("外延片")] == [organization.id]
        await reader.engine.dispose()
    published = await asyncio.to_thread(
        publish_lacking, other.engine.sync_engine, other.settings.data_dir, SOLVER_COLLECTION
    )
    assert version.parent in {path.parent for path in published}


async def test_tokens_of_another_dictionary_are_never_mixed_in_and_are_made_again(
    make: Factory, process: Process, other: Process
) -> None:
    organization = await make.organization()
    profile = await publish_profile(make, organization, "碳化硅外延片", ("外延", "碳化硅外延片生长"))
    profile.tokenizer = profile.evidence[0].tokenizer = terms_of_text.fingerprint
    await make.session.commit()
    await publish(process)
    use_dictionary(["碳化硅外延片"])
    try:
        held = await index_of(process)
        assert not held.index.base.facts
        assert held.index.knows_term("碳化硅外延片")
        assert await asyncio.to_thread(retokenize, process.engine.sync_engine) == 2
        assert await asyncio.to_thread(retokenize, process.engine.sync_engine) == 0
        await make.session.refresh(profile)
        assert "碳化硅外延片" in profile.tokens
        assert profile.tokenizer == terms_of_text.fingerprint
    finally:
        use_dictionary([])
    assert profile.tokenizer != terms_of_text.fingerprint
    assert not (await index_of(other)).index.knows_term("碳化硅外延片")


async def test_the_listener_is_told_catches_up_and_reconnects(
    make: Factory, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So what is found in time was told, not looked for.
    monkeypatch.setattr("challenges.indexing.listener.POLL_S", 3600.0)

    async def is_held(revision: int) -> bool:
        shelf = SHELVES["solvers"]._shelf(
            process.engine.sync_engine, process.settings.data_dir, solver_scope(PUBLIC)
        )
        for _ in range(600):
            if shelf.held is not None and shelf.held.state.revision >= revision:
                return True
            await asyncio.sleep(0.05)
        return False

    with Listener(process):
        first = await publish_profile(make, await make.organization(), "光刻胶")
        assert await is_held(first.index_revision)
        async with process.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                )
            )
        # Saved while nobody listens: the next connection reads on from the last number.
        second = await publish_profile(make, await make.organization(), "碳纤维")
        assert await is_held(second.index_revision)
        third = await publish_profile(make, await make.organization(), "酸奶")
        assert await is_held(third.index_revision)


async def test_without_a_listener_a_search_looks_by_itself(make: Factory, process: Process) -> None:
    assert await found(process, "光刻胶") == []
    organization = await make.organization()
    await publish_profile(make, organization, "光刻胶")
    assert await found(process, "光刻胶") == [organization.id]


async def test_a_listener_without_a_database_keeps_trying_and_ends_when_told(
    process: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("challenges.indexing.listener.FIRST_BACKOFF_S", 0.05)
    away = replace(process.settings, database_url="postgresql://127.0.0.1:1/nowhere")
    with Listener(Process(away, process.engine)) as listener:
        for _ in range(200):
            if caplog.text.count("not listening") >= 2:
                break
            await asyncio.sleep(0.05)
    assert caplog.text.count("not listening") >= 2
    assert not listener.is_alive()


async def test_a_change_notifies_when_it_is_committed(make: Factory, process: Process) -> None:
    with beside(process.engine.sync_engine, isolation_level="AUTOCOMMIT").connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        connection.exec_driver_sql("LISTEN jiebang_index")
        await publish_profile(make, await make.organization(), "光刻胶")
        told = [each.payload for each in driver.notifies(timeout=10, stop_after=1)]
    assert told == ["solvers"]
