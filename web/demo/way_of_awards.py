"""Winners named among the bids, and decided on: a horse race of three teams, and single ones."""

from challenges.awards.queries import live_teams
from challenges.awards.service import choose_winners, digest_of, read_award, submit_winners
from challenges.consortia.decisions import decide_consortium
from challenges.consortia.models import Outcome
from web.demo.telling import Story

# Challenge key -> when its winners were named, in days ago, and who leads them.
WON: dict[str, tuple[int, tuple[str, ...]]] = {
    "c-0102-06": (513, ("s-0102-001",)),
    "c-0301-03": (330, ("s-0301-001",)),
    "c-0102-05": (252, ("s-0102-001", "s-0102-002", "s-0102-009")),
    "c-0106-01": (42, ("s-0102-012",)),
}
NOTE = "经技术、商务两轮洽谈，申报方案满足揭榜指标，报请审定。"
RACE_NOTE = "三支队伍分别采用直冷针翅、微通道与两相冷却路线，技术差异明显，申请以赛马方式并行立项，中期择优。"
DECISION = "中小企业承担经费比例符合规则第1版，申报材料与形式审查结论一致，同意立项。"


async def award(story: Story) -> None:
    for key, (days, leads) in WON.items():
        poster, challenge_id = story.demo.poster_of(key), story.demo.challenges[key].id
        async with story.day(days, hour=10) as session:
            award = await read_award(session, poster, challenge_id)
            by_lead = {offer.bid.organization_id: offer.bid.id for offer in award.offers}
            bids = [by_lead[story.demo.organizations[lead].id] for lead in leads]
            await choose_winners(session, poster, challenge_id, bids, "", award.seen)
        async with story.day(days, hour=16) as session:
            seen = digest_of(await live_teams(session, challenge_id))
            note = RACE_NOTE if len(leads) > 1 else NOTE
            teams = await submit_winners(session, poster, challenge_id, note, seen)
        for team in teams:
            async with story.day(days - 2, hour=14) as session:
                await decide_consortium(
                    session, story.officer, team.id, Outcome.APPROVED, DECISION, team.revision
                )
