"""Sheets about finished reviews and the winners. A file leaves the site: reviewers are numbers in it, never names."""

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards import queries as award_queries
from challenges.exports import queries
from challenges.exports.scope import Cell, Scope, Sheet, local
from challenges.reviews import queries as review_queries
from challenges.reviews.models import PanelSeat, Review, SeatState
from core.i18n import gettext


async def criteria(session: AsyncSession, scope: Scope) -> Sheet:
    """As they were frozen into each review."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Review finished"),
            gettext("Criterion"),
            gettext("Description"),
            gettext("Weight"),
            gettext("Most points"),
        ]
    ]
    for title, review in await _finished(session, scope):
        rows += [
            [
                title,
                local(review.finished_at),
                item["name"],
                item["description"],
                Decimal(str(item["weight"])),
                item["max_points"],
            ]
            for item in review.criteria
        ]
    return Sheet(gettext("Criteria of reviews"), rows)


async def ranking(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Review finished"),
            gettext("Rank"),
            gettext("Lead"),
            gettext("Score"),
        ]
    ]
    for title, review in await _finished(session, scope):
        leads = {str(bid.id): bid.organization.name for bid in await review_queries.bids_of(session, review)}
        rows += [
            [
                title,
                local(review.finished_at),
                item["rank"],
                leads.get(item["bid"], ""),
                Decimal(item["score"]),
            ]
            for item in review.ranking
        ]
    return Sheet(gettext("Rankings of reviews"), rows)


async def scores(session: AsyncSession, scope: Scope) -> Sheet:
    """Points and comments, by numbered reviewer. The numbers follow from random keys: they tell of no order."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Lead"),
            gettext("Reviewer"),
            gettext("Criterion"),
            gettext("Points"),
            gettext("Comment"),
        ]
    ]
    for title, review in await _finished(session, scope):
        leads = {bid.id: bid.organization.name for bid in await review_queries.bids_of(session, review)}
        for number, seat in enumerate(_numbered(review), start=1):
            rows += [
                [
                    title,
                    leads.get(score.bid_id, ""),
                    gettext("Reviewer %(number)s", number=number),
                    review.criteria[score.criterion]["name"],
                    score.points,
                    score.comment,
                ]
                for score in sorted(seat.scores, key=lambda item: (str(item.bid_id), item.criterion))
            ]
    return Sheet(gettext("Scores"), rows)


def _numbered(review: Review) -> list[PanelSeat]:
    counted = [seat for seat in review.seats if seat.state is SeatState.HANDED_IN]
    return sorted(counted, key=lambda seat: seat.id)


async def winners(session: AsyncSession, scope: Scope) -> Sheet:
    """Every bid that was named and handed in for decision, with its place in the review and the reason."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Team"),
            gettext("Lead"),
            gettext("State"),
            gettext("Rank"),
            gettext("Score"),
            gettext("Departs from the ranking"),
            gettext("Reason or comments"),
            gettext("Named"),
        ]
    ]
    choices = {
        key: choice
        for challenge in scope.challenges
        for key, choice in (await award_queries.choices_of(session, challenge.id)).items()
    }
    for item in await queries.consortia_of_round(session, scope.round.id):
        choice = choices.get(item.id)
        if choice is None:
            continue
        rows.append(
            [
                item.challenge.title,
                item.team,
                item.lead.name if item.lead else "",
                scope.label(item.state),
                choice.rank,
                choice.score,
                gettext("Yes") if choice.departs else gettext("No"),
                choice.reason,
                local(choice.chosen_at),
            ]
        )
    return Sheet(gettext("Winners"), rows)


async def _finished(session: AsyncSession, scope: Scope) -> list[tuple[str, Review]]:
    return [
        (challenge.title, review)
        for challenge in scope.challenges
        for review in await review_queries.finished_of(session, challenge.id)
    ]
