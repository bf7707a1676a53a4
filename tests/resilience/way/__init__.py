"""One round, from a registration to the ratings after the final acceptance, part by part."""

from tests.resilience.run import Run
from tests.resilience.way import awarding, bidding, contracting, reviewing


def play(run: Run) -> None:
    challenge = run.cast.challenges[run.figures.rounds]
    bidding.register(run)
    bidding.publish(run, challenge)
    bidding.bid_for(run, challenge)
    bidding.open_bids(run, challenge)
    reviewing.check(run, challenge)
    reviewing.review(run, challenge)
    awarding.award(run, challenge)
    awarding.announce(run, challenge)
    contracting.sign(run, challenge)
    contracting.deliver(run, challenge)
    contracting.finish(run, challenge)
    run.figures.rounds += 1
