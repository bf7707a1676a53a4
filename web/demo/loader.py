"""Fills an empty database with the demonstration. Deterministic but for the day it is loaded on."""

from dataclasses import replace

from sqlalchemy import NullPool

from core import audit
from core.actor import SYSTEM
from core.process import start_process
from core.settings import Settings
from solvers.organizations.queries import any_organization
from web.demo.cast import Demo, load_cast, read
from web.demo.challenges import add_challenge
from web.demo.programs import load_programs
from web.demo.story import tell_story


async def load_demo_data(settings: Settings) -> None:
    """Load the demonstration if the database holds no organization yet."""
    # The jobs of the story are done here, by a worker of this process's own, whatever broker is configured.
    process = start_process(replace(settings, broker_url=None), poolclass=NullPool)
    try:
        async with process.transaction() as session:
            if await any_organization(session):
                return
            print("Loading the demonstration: organizations and challenges …", flush=True)
            demo = Demo(session)
            await load_cast(demo)
            await load_programs(demo)
            for row in read("challenges"):
                await add_challenge(demo, row)
            program = next(iter(demo.programs.values()))
            await audit.record(session, SYSTEM, "demo.loaded", "demo", program.id)
        print("Matching every challenge, bidding, deciding, carrying out …", flush=True)
        await tell_story(process, demo)
    finally:
        await process.engine.dispose()
