"""What has happened in the demonstration, chapter by chapter, from the first bid to the last acceptance.

Told through the same use cases that people call, with a real worker doing the jobs they queue.
"""

import asyncio

from dramatiq import Worker

# Every job and everything that time makes due is declared with it.
import web.worker  # noqa: F401
from challenges.matches.service import queue_match
from core.database import create_engine
from core.jobs import configure_broker
from core.process import Process
from web.demo import (
    early_ends,
    way_of_awards,
    way_of_bids,
    way_of_checks,
    way_of_consortia,
    way_of_contracts,
    way_of_milestones,
    way_of_notices,
    way_of_objections,
    way_of_questions,
    way_of_reviews,
)
from web.demo.cast import Demo
from web.demo.telling import Story


async def tell_story(process: Process, demo: Demo) -> None:
    """Run after the data has been committed: jobs read in transactions of their own."""
    broker = configure_broker(process.settings)
    worker = Worker(broker, worker_timeout=100, worker_threads=2)
    worker.start()
    # Jobs run in loops of their own, so that their connections cannot be kept; those of the story can.
    own = Process(process.settings, create_engine(process.settings))
    story = Story(own, demo)
    try:
        await _match(story)
        await way_of_bids.bid(story)
        await way_of_questions.ask_and_amend(story)
        await way_of_checks.check(story)
        await way_of_consortia.compose(story)
        await way_of_awards.award(story)
        await way_of_notices.give_notice(story)
        await way_of_objections.object_and_answer(story)
        await way_of_contracts.contract(story)
        await way_of_milestones.carry_out(story)
        await way_of_reviews.review(story)
        await early_ends.end_early(story)
        await story.read_old_messages()
        await story.finish_jobs()
    finally:
        await asyncio.to_thread(worker.stop)
        broker.close()
        await own.engine.dispose()


async def _match(story: Story) -> None:
    async with story.day() as session:
        for challenge in story.demo.challenges.values():
            if challenge.published_at is not None:
                await queue_match(session, challenge.id)
    await story.finish_jobs()
