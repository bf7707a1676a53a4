"""The in-process indexes follow what is saved, in every process, and hold verified organizations alone."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import CHALLENGES, Snapshot, challenge_index, solver_index, terms_of_text
from challenges.models import ChallengeState
from core.actor import Actor
from core.clock import shanghai_today
from core.database import create_engine
from core.errors import ForbiddenError
from core.process import Process
from core.revisions import next_revision
from matching.documents import Document, Evidence
from matching.index import tokens_of
from solvers.models import (
    Certificate,
    CertificateKind,
    EvidenceKind,
    Organization,
    Verification,
    Visibility,
)
from solvers.organizations.service import announce_change
from solvers.profiles import service
from solvers.profiles.service import EvidenceData, ProfileData
from tests.factories import Factory


@pytest.fixture
async def other(process: Process) -> AsyncIterator[Process]:
    """A second process on the same database, as the worker is beside the web server."""
    other = Process(process.settings, create_engine(process.settings, poolclass=NullPool))
    yield other
    await other.engine.dispose()


def editor_of(organization: Organization) -> Actor:
    return Actor(organization_id=organization.id, organization_role="editor", organization_verified=True)


async def save(process: Process, organization: Organization, summary: str, **values: object) -> None:
    async with process.transaction() as session:
        await service.save_profile(
            session,
            editor_of(organization),
            organization.id,
            ProfileData(summary=summary, **values),  # type: ignore[arg-type]
            tokenize=terms_of_text,
        )


async def found(process: Process, text: str) -> list[uuid.UUID]:
    async with process.transaction() as session:
        return [key for key, _score in await (await solver_index(session)).search(text)]


async def test_a_profile_saved_in_one_process_is_found_at_once_in_another(
    make: Factory, process: Process, other: Process
) -> None:
    organization = await make.organization()
    assert await found(other, "超声无损检测") == []
    await save(process, organization, "叶片超声无损检测装备")
    assert await found(other, "超声无损检测") == [organization.id]
    await save(process, organization, "中药提取")
    assert await found(other, "超声无损检测") == []
    assert await found(process, "中药提取") == [organization.id]


async def test_evidence_added_and_deleted_is_followed(
    make: Factory, process: Process, other: Process
) -> None:
    organization = await make.organization()
    async with process.transaction() as session:
        item = await service.save_evidence(
            session,
            editor_of(organization),
            organization.id,
            EvidenceData(kind=EvidenceKind.PATENT, title="热障涂层", text="电子束物理气相沉积"),
            tokenize=terms_of_text,
        )
    assert await found(other, "气相沉积") == [organization.id]
    async with process.transaction() as session:
        await service.delete_evidence(session, editor_of(organization), organization.id, item.id)
    assert await found(other, "气相沉积") == []


async def test_what_is_rolled_back_is_never_found(make: Factory, process: Process) -> None:
    organization = await make.organization()
    async with process.maker() as session:
        await service.save_profile(
            session,
            editor_of(organization),
            organization.id,
            ProfileData(summary="量子密钥分发"),
            tokenize=terms_of_text,
        )
        # Even the saving transaction's own search sees committed rows alone: the index outlives it.
        assert await (await solver_index(session)).search("量子密钥分发") == []
        await session.rollback()
    assert await found(process, "量子密钥分发") == []
    # The revision number that was given back is taken by another change, which must not be missed.
    await save(process, organization, "量子密钥分发终端")
    assert await found(process, "量子密钥分发") == [organization.id]


async def test_only_verified_organizations_are_candidates(
    make: Factory, process: Process, session: AsyncSession
) -> None:
    organization = await make.organization(verification=Verification.PENDING)
    await save(process, organization, "稀土永磁材料")
    assert await found(process, "稀土永磁") == []
    organization.verification = Verification.VERIFIED
    await announce_change(session, [organization.id])
    await session.commit()
    assert await found(process, "稀土永磁") == [organization.id]
    organization.verification = Verification.PENDING
    await announce_change(session, [organization.id])
    await session.commit()
    assert await found(process, "稀土永磁") == []


async def test_documents_carry_what_is_filtered_by_and_certificates_that_are_valid_today(
    make: Factory, process: Process
) -> None:
    today = shanghai_today()
    organization = await make.organization(
        certificates=[
            Certificate(
                kind=CertificateKind.HIGH_TECH,
                number="GR1",
                valid_from=today - timedelta(days=9),
                valid_until=today,
            ),
            Certificate(
                kind=CertificateKind.CHAMPION,
                number="GR2",
                valid_from=today - timedelta(days=9),
                valid_until=today - timedelta(days=1),
            ),
        ]
    )
    await save(process, organization, "涂层")
    async with process.transaction() as session:
        document = (await solver_index(session)).document(organization.id)
    assert (document.kind, document.size, document.region) == ("enterprise", "small", "3301")
    assert document.certificates == {"high_tech"}


async def test_a_text_that_may_not_be_read_has_no_part_in_the_index(make: Factory, process: Process) -> None:
    hidden, shown = await make.organization(), await make.organization()
    await save(process, hidden, "热障涂层", visibility=Visibility.MATCHER)
    await save(process, shown, "无损检测")
    async with process.transaction() as session:
        public = await solver_index(session, frozenset({Visibility.PUBLIC}))
        everything = await solver_index(session)
    assert hidden.id in everything
    assert shown.id in everything
    assert hidden.id not in public
    assert not public.index.knows_term("涂层")
    assert everything.index.knows_term("涂层")
    assert await public.search("热障涂层") == []


async def test_an_index_once_given_never_changes(make: Factory, process: Process) -> None:
    organization = await make.organization()
    await save(process, organization, "光刻胶")
    async with process.transaction() as session:
        before = await solver_index(session)
    await save(process, organization, "碳纤维")
    async with process.transaction() as session:
        after = await solver_index(session)
    assert [key for key, _ in await before.search("光刻胶")] == [organization.id]
    assert await after.search("光刻胶") == []
    assert after.revision > before.revision


async def test_without_a_change_every_caller_is_given_the_same_index(make: Factory, process: Process) -> None:
    await save(process, await make.organization(), "光刻胶")

    async def ask() -> Snapshot:
        async with process.transaction() as session:
            return await solver_index(session)

    asked = await asyncio.gather(*[ask() for _ in range(8)])
    assert len({id(each.index) for each in asked}) == 1


async def test_stored_tokens_make_the_index_that_the_texts_would_make(
    make: Factory, process: Process
) -> None:
    organization = await make.organization()
    await save(process, organization, "提供Ti-6Al-4V粉末与PM2.5监测", team="12人", keywords=["增材制造"])
    async with process.transaction() as session:
        for title, text in (("雾化制粉", "真空感应气雾化，5 nm"), ("监测仪", "")):
            await service.save_evidence(
                session,
                editor_of(organization),
                organization.id,
                EvidenceData(kind=EvidenceKind.PRODUCT, title=title, text=text, keywords=["制粉"]),
                tokenize=terms_of_text,
            )
    async with process.transaction() as session:
        held = await solver_index(session)
    document = held.document(organization.id)
    [built] = [tokens_of(document)]
    base = held.index.base
    assert sorted(base.vocabulary) == sorted({*built.whole, *(t for item in built.items for t in item)})
    assert base.whole.weights.row(0).keys() == {base.vocabulary[term] for term in built.whole}
    assert len({uuid.UUID(item.id) for item in document.evidence}) == 2
    assert isinstance(document, Document)
    assert all(isinstance(item, Evidence) for item in document.evidence)


async def test_published_challenges_are_indexed_and_drafts_are_not(
    make: Factory, process: Process, session: AsyncSession
) -> None:
    poster, program = await make.organization(), await make.program()
    open_one = await make.challenge(poster, program, tokens=terms_of_text("单晶涡轮叶片"))
    restricted = await make.challenge(
        poster, program, is_public=False, tokens=terms_of_text("单晶涡轮叶片定向")
    )
    draft = await make.challenge(
        poster, program, state=ChallengeState.DRAFT, tokens=terms_of_text("单晶涡轮叶片草稿")
    )
    for challenge in (open_one, restricted, draft):
        challenge.index_revision = await next_revision(session, CHALLENGES)
    await session.commit()
    async with process.transaction() as reading:
        every, public = (
            await challenge_index(reading),
            await challenge_index(reading, public_only=True),
        )
    assert {key for key, _ in await every.search("涡轮叶片")} == {open_one.id, restricted.id}
    assert {key for key, _ in await public.search("涡轮叶片")} == {open_one.id}
    assert {key for key, _ in await every.search("涡轮叶片", among={restricted.id})} == {restricted.id}
    assert draft.id not in every


async def test_the_editor_is_asked_for_not_just_any_member(make: Factory, session: AsyncSession) -> None:
    organization = await make.organization()
    viewer = Actor(organization_id=organization.id, organization_role="viewer")
    with pytest.raises(ForbiddenError):
        await service.save_profile(
            session, viewer, organization.id, ProfileData(summary="x"), tokenize=terms_of_text
        )
    stranger = Actor(organization_id=uuid.uuid4(), organization_role="owner")
    with pytest.raises(ForbiddenError):
        await service.delete_evidence(session, stranger, organization.id, uuid.uuid4())
