"""Which bids were named as winners, and why."""

import uuid

from sqlalchemy import CheckConstraint, Float, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship

from challenges.bids.models import Bid
from challenges.consortia.models import Consortium
from core.accounts.models import Person
from core.database import Base, Flag, LongText, Moment, reference


class BidChoice(Base):
    """A bid named by the poster: the consortium that it became, and its place in the review.

    `reason` is that of the whole choice: needed where it departs from the order of the review.
    """

    __tablename__ = "bid_choice"
    __table_args__ = (
        CheckConstraint("NOT departs OR reason <> ''", name="departures_have_a_reason"),
        CheckConstraint("rank >= 1", name="rank_from_1"),
    )

    consortium_id: Mapped[uuid.UUID] = reference("consortium.id", ondelete="CASCADE", primary_key=True)
    bid_id: Mapped[uuid.UUID] = reference("bid.id", ondelete="RESTRICT")
    # Of the review, None where the program has none.
    rank: Mapped[int | None] = mapped_column(SmallInteger, default=None)
    score: Mapped[float | None] = mapped_column(Float, default=None)
    departs: Mapped[Flag]
    reason: Mapped[LongText] = mapped_column(default="")
    chosen_by_id: Mapped[uuid.UUID] = reference("person.id", ondelete="RESTRICT")
    chosen_at: Mapped[Moment]

    consortium: Mapped[Consortium] = relationship(lazy="raise")
    bid: Mapped[Bid] = relationship(lazy="raise")
    chosen_by: Mapped[Person] = relationship(lazy="raise")
