"""Challenges of the demonstration that end early."""

from challenges.early_ends import withdraw_challenge
from web.demo.telling import Story

WITHDRAWN = "c-0104-02"
REASON = "整机方案调整，子阵改由总体单位统一研制，本需求撤回；已答疑的单位我方将另行致歉说明。"


async def end_early(story: Story) -> None:
    async with story.day(3) as session:
        challenge = story.demo.challenges[WITHDRAWN]
        await withdraw_challenge(session, story.demo.poster_of(WITHDRAWN), challenge.id, note=REASON)
