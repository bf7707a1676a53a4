"""Use cases of matching: asking for a ranking, reading one, one's own fit, recommendations."""

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import (
    Snapshot,
    challenge_index,
    profile_tokens,
    solver_index,
    terms_in,
)
from challenges.matches import policies, queries
from challenges.matches.jobs import rematch_open_challenges, run_match
from challenges.matches.models import Match, MatchRun
from challenges.matches.question import matching_challenge
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge
from challenges.programs.policies import accepts_bidder
from core import audit
from core.actor import Actor
from core.database import database_time, database_today
from core.errors import ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _
from core.jobs import enqueue
from matching import documents
from matching.explanation import MissingTerm, Piece, mark, missing_from
from matching.index import DocumentTokens
from matching.quota import Controller, standing_reason
from matching.ranking import Candidate
from matching.tokenizer import default_tokenizer
from solvers.organizations.models import CertificateKind, Organization
from solvers.profiles.models import CapabilityProfile, EvidenceItem
from solvers.profiles.policies import may_read_profile
from solvers.profiles.texts import evidence_text, profile_text

# A job is taken within a second; one that waits this long may have been lost with its broker, and may run twice.
LOST_AFTER = timedelta(seconds=60)
# A profile's owner reads the first screen of each; further down nothing is worth a look.
RECOMMENDATIONS = 20
# Below this it is words that everybody uses: unrelated pairs of the demonstration reach 0.028.
LEAST_RECOMMENDED_SCORE = 0.03
MISSING_TERMS = 8


async def queue_match(session: AsyncSession, challenge_id: uuid.UUID) -> MatchRun:
    """Ask for a ranking; it runs when the transaction has been committed, and sees what that wrote.

    Where a run waits already it is joined: it cannot start before this transaction ends.
    """
    now = await database_time(session)
    while True:
        run = await queries.add_waiting_run(session, challenge_id, now)
        if run is not None:
            await enqueue(session, run_match, run.id)
            return run
        run = await queries.hold_waiting_run(session, challenge_id)
        if run is not None:
            if now - run.created_at > LOST_AFTER:
                await enqueue(session, run_match, run.id)
            return run


async def queue_matches_after_profile_change(session: AsyncSession, organization_id: uuid.UUID) -> None:
    """Have open challenges matched anew once this transaction's change of a profile is committed.

    In a job, because there may be thousands of them and the person who saves waits for none.
    """
    await enqueue(session, rematch_open_challenges, organization_id)


async def ask_for_match(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> MatchRun:
    """The button: match again."""
    challenge = await read_candidates_challenge(session, actor, challenge_id)
    if not policies.may_ask_for_match(actor, challenge):
        raise ForbiddenError(
            _("Solvers are ranked for published challenges, by the poster's editors and officers.")
        )
    run = await queue_match(session, challenge_id)
    await audit.record(session, actor, "match.queued", "challenge", challenge_id, {"run": str(run.id)})
    return run


async def read_candidates_challenge(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID
) -> Challenge:
    """A challenge whose ranking the actor may see; who may read the challenge alone is told so."""
    challenge = await postings.read_challenge(session, actor, challenge_id)
    if not posting_policies.may_see_candidates(actor, challenge):
        raise ForbiddenError(_("The ranking is for the poster and the program's officers."))
    return challenge


@dataclass(frozen=True)
class Row:
    """One line of a ranking with what the page and the quota look at. `not_counted` is a code of matching.quota."""

    match: Match
    organization: Organization
    certificates: frozenset[CertificateKind]
    not_counted: str | None
    may_take_part: bool

    @property
    def is_counted(self) -> bool:
        return self.not_counted is None


@dataclass(frozen=True)
class CandidateFilters:
    """What is asked of candidates; an empty field asks for nothing. `region` is a province of two digits."""

    size: str = ""
    kind: str = ""
    region: str = ""
    certificate: str = ""
    counted: bool = False

    def passes(self, row: Row) -> bool:
        organization = row.organization
        return (
            (not self.size or organization.size_class == self.size)
            and (not self.kind or organization.kind == self.kind)
            and (not self.region or organization.region_code.startswith(self.region))
            and (not self.certificate or self.certificate in row.certificates)
            and (not self.counted or row.is_counted)
        )


async def ranking_of(session: AsyncSession, challenge: Challenge, run: MatchRun) -> list[Row]:
    """All kept candidates of a run, best first."""
    matches = await queries.matches_of(session, run.id)
    return await _rows(session, challenge, matches)


async def _rows(session: AsyncSession, challenge: Challenge, matches: Sequence[Match]) -> list[Row]:
    controls = await queries.controls_of(session, [match.organization_id for match in matches])
    today = await database_today(session)
    rows: list[Row] = []
    for match in matches:
        organization = match.organization
        held = held_certificates(organization, today)
        rows.append(
            Row(
                match=match,
                organization=organization,
                certificates=held,
                not_counted=not_counted_code(organization, controls.get(organization.id, ())),
                may_take_part=may_take_part(challenge, organization, held),
            )
        )
    return rows


def held_certificates(organization: Organization, day: date) -> frozenset[CertificateKind]:
    """Kinds of certificate that are valid on a day, of an organization with its certificates loaded."""
    return frozenset(
        item.kind for item in organization.certificates if item.valid_from <= day <= item.valid_until
    )


def quota_controllers(controls: Collection[queries.Control]) -> tuple[Controller, ...]:
    """Control relations as matching.quota takes them."""
    return tuple(
        Controller(item.id, item.size.value if item.size else None, item.kind.value) for item in controls
    )


def not_counted_code(organization: Organization, controls: Collection[queries.Control]) -> str | None:
    """Why an organization counts as an SME in no consortium; None where it may count."""
    reason = standing_reason(
        str(organization.id),
        organization.kind.value,
        organization.size_class.value if organization.size_class else None,
        quota_controllers(controls),
    )
    return None if reason is None else reason[0]


def may_take_part(
    challenge: Challenge, organization: Organization, certificates: Collection[CertificateKind]
) -> bool:
    """Whether the program's and the challenge's own terms admit an organization."""
    program = challenge.program
    return organization.is_verified and (
        (program is None or accepts_bidder(program, organization.kind))
        and (
            challenge.is_public
            or any(item.organization_id == organization.id for item in challenge.invited)
            or any(kind.value in challenge.allowed_certificates for kind in certificates)
        )
    )


@dataclass(frozen=True)
class MarkedText:
    """A text of either side with the matched terms marked. `heading` is empty where the text stands for itself."""

    heading: str
    pieces: list[Piece]


@dataclass(frozen=True)
class MarkedEvidence:
    item: EvidenceItem
    part: float
    title: list[Piece]
    text: list[Piece]


@dataclass(frozen=True)
class Explanation:
    """Why a candidate has its score: words with their parts, and the works that carried it.

    An index also holds every pair of neighbouring characters, which finds words that are cut differently elsewhere.
    Pairs that are no words mean nothing to a reader: they are counted and summed. All parts sum to the score. The
    solver's own texts are empty where the reader may not read them.
    """

    words: list[tuple[str, float]]
    pairs: list[tuple[str, float]]
    evidence: list[MarkedEvidence]
    challenge_texts: list[MarkedText]
    requirement_texts: Mapping[str, list[Piece]]
    profile_texts: list[MarkedText]
    texts_hidden: bool


async def explain_candidate(
    session: AsyncSession, actor: Actor, challenge: Challenge, organization_id: uuid.UUID
) -> tuple[Row, Explanation]:
    """One candidate of the newest ranking with everything that explains its score."""
    run = await queries.newest_done_run(session, challenge.id)
    match = await queries.match_of(session, run.id, organization_id) if run is not None else None
    if match is None:
        raise NotFoundError(_("This organization is not in the ranking."))
    (row,) = await _rows(session, challenge, [match])
    profile = await queries.profile_of(session, organization_id)
    terms = [(str(term), float(part)) for term, part in match.terms]
    # A profile that is for the matcher and officers keeps its texts from the poster; its score and rank it does not.
    readable = profile if profile and may_read_profile(actor, organization_id, profile.visibility) else None
    parts = {str(item): float(part) for item, part in match.evidence}
    explanation = await asyncio.to_thread(_explain, challenge, readable, terms, parts)
    return row, explanation


def _explain(
    challenge: Challenge,
    profile: CapabilityProfile | None,
    terms: list[tuple[str, float]],
    parts: Mapping[str, float],
) -> Explanation:
    texts = [challenge.title, challenge.difficulty, challenge.indicators, challenge.content]
    texts += [text for item in challenge.requirements for text in (item.text, item.target)]
    spoken = words_of(*texts)
    words = {term for term, _part in terms} & spoken
    sections = [
        (str(_("Title")), challenge.title),
        (str(_("Main technical difficulty")), challenge.difficulty),
        (str(_("Main technical indicators")), challenge.indicators),
        (str(_("Main research content")), challenge.content),
    ]
    evidence = [
        MarkedEvidence(
            item=item,
            part=parts[str(item.id)],
            title=mark(item.title, words),
            text=mark(item.text, words),
        )
        for item in (profile.evidence if profile else [])
        if str(item.id) in parts
    ]
    own = [(str(_("Summary")), profile.summary), (str(_("Team")), profile.team)] if profile else []
    return Explanation(
        words=[item for item in terms if item[0] in spoken],
        pairs=[item for item in terms if item[0] not in spoken],
        evidence=sorted(evidence, key=lambda each: -each.part),
        challenge_texts=[MarkedText(heading, mark(text, words)) for heading, text in sections if text],
        requirement_texts={str(item.id): mark(item.text, words) for item in challenge.requirements},
        profile_texts=[MarkedText(heading, mark(text, words)) for heading, text in own if text],
        texts_hidden=profile is None,
    )


def words_of(*texts: str) -> frozenset[str]:
    """The words of texts, without the pairs of characters that an index holds besides."""
    split = default_tokenizer().tokenize
    return frozenset(word for text in texts for word in split(text))


def says_something(word: str) -> bool:
    """Whether a word by itself tells a reader anything; single characters and quantities (230°c, 20%) do not."""
    return len(word) > 1 and not word[0].isdecimal() and word[0] not in "±<>≤≥"


@dataclass(frozen=True)
class Fit:
    """An organization's own fit with a challenge; says nothing about any other solver.

    `explanation` and `missing` are empty where `is_indexed` is False: there is no verified profile to compare.
    """

    challenge: Challenge
    is_indexed: bool
    score: float = 0.0
    requirement_scores: Mapping[str, float] = field(default_factory=dict)
    explanation: Explanation | None = None
    missing: list[MissingTerm] = field(default_factory=list)


async def own_fit(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Fit:
    """Computed now, from the profile as it was saved last."""
    challenge = await postings.read_challenge(session, actor, challenge_id)
    if not policies.may_see_own_fit(actor, challenge):
        raise ForbiddenError(
            _("The fit is that of a solver with a published challenge of another organization.")
        )
    assert actor.organization_id is not None
    snapshot = await solver_index(session)
    profile = await queries.profile_of(session, actor.organization_id)
    if profile is None or actor.organization_id not in snapshot:
        return Fit(challenge, is_indexed=False)
    own, missing = await asyncio.to_thread(_own_candidate, snapshot, matching_challenge(challenge), profile)
    evidence = snapshot.document(actor.organization_id).evidence
    parts = {evidence[item.item].id: item.score for item in own.evidence}
    explanation = await asyncio.to_thread(_explain, challenge, profile, list(own.terms), parts)
    return Fit(challenge, True, own.score, own.requirements, explanation, missing)


async def own_score(session: AsyncSession, actor: Actor, challenge: Challenge) -> float | None:
    """The score alone, for the challenge's page; None where there is no verified profile to compare."""
    assert actor.organization_id is not None
    snapshot = await solver_index(session)
    if actor.organization_id not in snapshot:
        return None
    own = await asyncio.to_thread(
        snapshot.index.candidate, matching_challenge(challenge), str(actor.organization_id)
    )
    return own.score


def _own_candidate(
    snapshot: Snapshot, query: documents.Challenge, profile: CapabilityProfile
) -> tuple[Candidate, list[MissingTerm]]:
    own = snapshot.index.candidate(query, str(profile.organization_id))
    words = words_of(query.title, query.text, *(item.text for item in query.requirements))
    missing = missing_from(snapshot.index, query, _tokens_of(profile), limit=snapshot.index.known_terms)
    return own, [item for item in missing if item.term in words and says_something(item.term)][:MISSING_TERMS]


def _tokens_of(profile: CapabilityProfile) -> DocumentTokens:
    text = profile_text(profile.summary, profile.team, profile.keywords)
    return profile_tokens(
        terms_in(profile.tokens, profile.tokenizer, text),
        profile.summary,
        [
            (
                item.text,
                terms_in(item.tokens, item.tokenizer, evidence_text(item.title, item.text, item.keywords)),
            )
            for item in profile.evidence
        ],
    )


@dataclass(frozen=True)
class Recommendation:
    """A challenge that fits a profile; `words` are the matched ones with the largest parts of the score."""

    challenge: Challenge
    score: float
    words: list[str]


async def recommend_challenges(
    session: AsyncSession, actor: Actor, limit: int = RECOMMENDATIONS
) -> list[Recommendation] | None:
    """Open challenges for the actor's organization, best fit first: the profile asks, the challenges are ranked.

    None where the organization has no verified profile to ask with.
    """
    if actor.organization_id is None:
        return None
    solvers = await solver_index(session)
    profile = await queries.profile_of(session, actor.organization_id)
    if profile is None or actor.organization_id not in solvers:
        return None
    question = documents.Query(
        "\n".join(
            [
                profile_text(profile.summary, profile.team, profile.keywords),
                *(evidence_text(item.title, item.text, item.keywords) for item in profile.evidence),
            ]
        )
    )
    now = await database_time(session)
    certificates = await postings.certificates_of(session, actor)
    readable = await queries.biddable_challenge_ids(session, actor, certificates, now)
    # Restricted challenges of which the organization may not know leave no trace, not even in the statistics.
    snapshot = await challenge_index(session, public_only=all(readable.values()))
    hits = await snapshot.search(question.text, among=readable.keys(), limit=limit)
    spoken = await asyncio.to_thread(words_of, question.text)
    found = await asyncio.to_thread(
        lambda: [snapshot.index.candidate(question, str(key)) for key, _score in hits]
    )
    challenges = await queries.challenges_by_ids(session, [key for key, _score in hits])
    return [
        Recommendation(
            challenges[uuid.UUID(item.id)],
            item.score,
            [term for term, _part in item.terms if term in spoken and says_something(term)],
        )
        for item in found
        if item.score >= LEAST_RECOMMENDED_SCORE and uuid.UUID(item.id) in challenges
    ]
