"""Public notices of awards: those that have ended, and two that run."""

from challenges.notices.service import publish_notice
from web.demo.telling import Story

# Challenge key -> how many days ago its notice began; only those of the last days still run.
NOTICES = {
    "c-0102-06": 510,
    "c-0301-03": 327,
    "c-0102-05": 249,
    "c-0403-01": 115,
    "c-0603-01": 85,
    "c-0503-01": 64,
    "c-0401-01": 57,
    "c-0106-01": 39,
    "c-0703-01": 4,
    "c-0402-01": 3,
}
INTRODUCTION = (
    "根据专项管理办法，经形式审查、择优遴选与中小企业参与比例核算，现将拟立项结果予以公示，接受社会监督。"
    "对公示内容有异议的，请在公示期内以单位名义提出，并附事实依据。"
)
# The longest notice of the programs has passed by then.
OVER_AFTER = 8


async def give_notice(story: Story) -> None:
    for key, days in NOTICES.items():
        async with story.day(days, hour=9) as session:
            await publish_notice(session, story.officer, story.demo.challenges[key].id, INTRODUCTION)
        if days > OVER_AFTER:
            await story.pass_time(days - OVER_AFTER, "notice.end")
