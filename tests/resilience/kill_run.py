"""Drives rounds through HTTP while web server and worker are killed, and looks at the end whether anything is missing.

`make kill-run` kills 60 times; `python -m tests.resilience.kill_run --kills 10 --seed 3` fewer, at other moments.
What was answered with 2xx or 3xx must be there at the end; what was not answered may be there or not, but whole.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import ChallengeState
from core.accounts.models import Person
from core.clock import utc_now
from core.database import libpq_url
from core.migrations import migrate
from core.postgres import database_server
from core.process import start_process
from core.settings import Settings
from solvers.models import Organization, SizeClass
from tests.factories import PASSWORD, Factory, credit_code
from tests.integration.core.conftest import MailServer
from tests.resilience.processes import Deployment

PATIENCE_S = 240
# A kill falls into the moments after a request was sent: before it is read, while it is worked on, before its answer.
WITHIN_S = (0.1, 0.4, 1.2)


class LostError(AssertionError):
    """Something that was acknowledged is not there, or something is half done."""


@dataclass
class Figures:
    acts: int = 0
    acknowledged: int = 0
    done_unanswered: int = 0
    repeated: int = 0
    rounds: int = 0
    mails: int = 0
    uncertain: int = 0
    seconds: float = 0
    kills: dict[str, int] = field(default_factory=dict)


class Browser:
    """One person's cookies against a server that may be away."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def get(self, path: str) -> str:
        answer = self.client.get(path, follow_redirects=True)
        answer.raise_for_status()
        return answer.text

    def post(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        if "csrftoken" not in self.client.cookies:
            self.client.get("/login")
        return self.client.post(path, data={"_csrf_token": self.client.cookies["csrftoken"], **fields})


@dataclass
class Cast:
    """Who takes part, as ids and addresses; made before the first kill."""

    poster: str
    officers: list[str]
    bidders: list[tuple[str, str]]
    partner: tuple[str, str]
    challenges: list[str]


async def make_cast(settings: Settings, rounds: int) -> Cast:
    process = start_process(settings, poolclass=NullPool)
    async with AsyncSession(process.engine, expire_on_commit=False) as session:
        make = Factory(session)
        officers = [await make.officer(), await make.officer()]
        program = await make.program(*officers, min_bid_days=1)
        poster = await make.organization(size=SizeClass.LARGE)
        editor = await make.member(poster)
        pairs: list[tuple[Organization, Person]] = []
        for _ in range(4):
            organization = await make.organization()
            pairs.append((organization, await make.member(organization)))
        challenges = [
            await make.challenge(
                poster,
                program,
                state=ChallengeState.SUBMITTED,
                submitted_at=utc_now(),
                deadline_at=utc_now() + timedelta(days=30),
            )
            for _ in range(rounds)
        ]
    await process.engine.dispose()
    people = [(str(organization.id), person.email) for organization, person in pairs]
    return Cast(
        editor.email,
        [officer.email for officer in officers],
        people[:3],
        people[3],
        [str(challenge.id) for challenge in challenges],
    )


class Run:
    def __init__(self, deployment: Deployment, database_url: str, cast: Cast, kills: int) -> None:
        self.deployment, self.cast, self.wanted = deployment, cast, kills
        self.figures = Figures()
        self.ledger: list[tuple[str, str, tuple[Any, ...]]] = []
        self.database = psycopg.connect(libpq_url(database_url), autocommit=True)
        self.browsers: dict[str, Browser] = {}

    def value(self, query: str, *values: Any) -> Any:
        row = self.database.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    @property
    def killed(self) -> int:
        return sum(self.deployment.kills.values())

    def act(
        self,
        name: str,
        email: str,
        path: str,
        fields: dict[str, Any] | Callable[[], dict[str, Any]],
        check: str,
        *values: Any,
    ) -> None:
        """Post until `check`, a query that answers with true, says that it is done; kill meanwhile, as planned."""
        self.figures.acts += 1
        for attempt in range(30):
            sent = fields() if callable(fields) else fields
            if self.killed < self.wanted:
                name_of_killed = self.deployment.random.choice(["serve", "serve", "worker"])
                self.deployment.kill_soon(name_of_killed, self.deployment.random.choice(WITHIN_S))
            status = None
            with suppress(httpx.TransportError):
                status = self.browser(email).post(path, sent).status_code
            self.deployment.repair()
            if status is not None and status < 400:
                self.ledger.append((name, check, values))
                self.figures.acknowledged += 1
                if not self.value(check, *values):
                    raise LostError(f"{name} was answered with {status} and is not there")
                return
            if self.value(check, *values):
                # Done and not answered: a person would see it on the page.
                self.figures.done_unanswered += 1
                return
            if status is not None and status != 409:
                raise LostError(f"{name} was answered with {status} at attempt {attempt + 1}")
            self.figures.repeated += 1
        raise LostError(f"{name} could not be done")

    def browser(self, email: str) -> Browser:
        if email not in self.browsers:
            browser = Browser(self.deployment.url)
            if email:
                answer = browser.post("/login", {"email": email, "password": PASSWORD, "target": "/"})
                if answer.status_code != 303:
                    raise LostError(f"{email} could not log in: {answer.status_code}")
            self.browsers[email] = browser
        return self.browsers[email]

    def page(self, email: str, path: str) -> str:
        return self.browser(email).get(path)

    def wait(self, name: str, check: str, *values: Any) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.value(check, *values):
                return
            time.sleep(0.1)
        raise LostError(f"{name} did not happen within {PATIENCE_S} s")

    # One round

    def round(self, number: int) -> None:
        cast, challenge = self.cast, self.cast.challenges[number]
        first, second = cast.officers
        self.register(number)
        self.act(
            "publication",
            first,
            f"/challenges/{challenge}/publish",
            {},
            "SELECT published_at IS NOT NULL AND state <> 'submitted' FROM challenge WHERE id = %s",
            challenge,
        )
        asked = f"第{number}轮：验收由谁组织？"
        self.act(
            "question",
            cast.bidders[0][1],
            f"/challenges/{challenge}/questions",
            {"text": asked},
            "SELECT count(*) = 1 FROM question WHERE challenge_id = %s AND text = %s",
            challenge,
            asked,
        )
        question = self.value("SELECT id FROM question WHERE challenge_id = %s", challenge)
        self.act(
            "answer",
            cast.poster,
            f"/questions/{question}/answer",
            {"answer": "由发榜方组织。", "version": "0"},
            "SELECT count(*) = 1 FROM question_answer WHERE question_id = %s",
            question,
        )
        for organization, email in cast.bidders:
            self.bid(challenge, organization, email)
        self.replace(challenge, *cast.bidders[1])
        self.bid_together(challenge, *cast.bidders[0])
        self.end_bidding(challenge)
        self.act(
            "asking for the opening",
            first,
            f"/challenges/{challenge}/bids/open",
            {},
            "SELECT count(*) = 1 FROM bid_opening WHERE challenge_id = %s",
            challenge,
        )
        self.act(
            "opening",
            second,
            f"/challenges/{challenge}/bids/open",
            {},
            "SELECT c.bids_opened_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bid b WHERE b.challenge_id = c.id"
            " AND b.state = 'submitted' AND b.sealed_content IS NOT NULL) FROM challenge c WHERE c.id = %s",
            challenge,
        )
        self.award(challenge)
        self.figures.rounds += 1

    def register(self, number: int) -> None:
        email = f"registered{number}@example.com"
        self.browsers.pop("", None)
        fields = {
            "kind": "enterprise",
            "name": f"杭州第{number}新登记有限公司",
            "credit_code": credit_code(800_000 + number),
            "legal_representative": "王清",
            "region_code": "3301",
            "industry_code": "C3562 半导体器件专用设备制造",
            "employees": "280",
            "revenue_wan": "1900",
            "person_name": "王清",
            "email": email,
            "password": PASSWORD,
            "repeated": PASSWORD,
        }
        self.act(
            "registration",
            "",
            "/register",
            fields,
            "SELECT count(*) = 1 FROM person p JOIN membership m ON m.person_id = p.id WHERE p.email = %s",
            email,
        )

    def requirements(self, challenge: str) -> list[str]:
        rows = self.database.execute(
            "SELECT id FROM requirement WHERE challenge_id = %s ORDER BY position", (challenge,)
        )
        return [str(row[0]) for row in rows]

    def bid_of(self, challenge: str, organization: str) -> Any:
        return self.value(
            "SELECT id FROM bid WHERE challenge_id = %s AND organization_id = %s AND state <> 'withdrawn'",
            challenge,
            organization,
        )

    def fields(self, bid: Any, plan: str, *parts: tuple[str, list[str]]) -> Callable[[], dict[str, Any]]:
        def made() -> dict[str, Any]:
            written: dict[str, Any] = {
                "technical_plan": plan,
                "ability": "获授权专利12项。",
                "contact_name": "陈工",
                "contact_phone": "0571-80000000",
                # Read when it is sent: the page would have been loaded again.
                "revision": str(self.value("SELECT revision FROM bid WHERE id = %s", bid)),
                "action": "submit",
                "steps-0-name": "工艺验证",
                "steps-0-from_month": "1",
                "steps-0-to_month": "6",
                "steps-0-deliverable": "工艺验证报告",
                "people-0-name": "陈工",
                "people-0-title": "高级工程师",
                "people-0-role": "项目负责人",
                "people-0-person_months": "12",
            }
            for place, (organization, requirements) in enumerate(parts):
                written |= {
                    f"parts-{place}-organization_id": organization,
                    f"parts-{place}-role_text": "分工",
                    f"parts-{place}-requirement_ids": requirements,
                    f"parts-{place}-budget_wan": "200",
                    f"parts-{place}-years-0": "120",
                    f"parts-{place}-years-1": "80",
                }
            return written

        return made

    def bid(self, challenge: str, organization: str, email: str) -> None:
        self.act(
            "beginning of a bid",
            email,
            f"/challenges/{challenge}/bids/new",
            {},
            "SELECT count(*) = 1 FROM bid WHERE challenge_id = %s AND organization_id = %s",
            challenge,
            organization,
        )
        bid = self.bid_of(challenge, organization)
        self.act(
            "bid",
            email,
            f"/bids/{bid}",
            self.fields(bid, "定向凝固", (organization, self.requirements(challenge))),
            "SELECT count(*) >= 1 FROM bid b JOIN bid_receipt r ON r.bid_id = b.id AND r.act = 'submitted'"
            " WHERE b.id = %s",
            bid,
        )

    def replace(self, challenge: str, organization: str, email: str) -> None:
        bid = self.bid_of(challenge, organization)
        before = self.value("SELECT count(*) FROM bid_receipt WHERE bid_id = %s", bid)
        self.act(
            "replacement",
            email,
            f"/bids/{bid}",
            self.fields(bid, "改用籽晶法", (organization, self.requirements(challenge))),
            "SELECT count(*) > %s FROM bid_receipt WHERE bid_id = %s",
            before,
            bid,
        )

    def bid_together(self, challenge: str, organization: str, email: str) -> None:
        partner, partner_email = self.cast.partner
        bid = self.bid_of(challenge, organization)
        part = "SELECT count(*) = 1 FROM bid_member WHERE bid_id = %s AND organization_id = %s"
        self.act(
            "invitation", email, f"/bids/{bid}/members", {"organization_id": partner}, part, bid, partner
        )
        self.act(
            "confirmation",
            partner_email,
            f"/bids/{bid}/answer",
            {"answer": "confirm"},
            f"{part} AND state = 'confirmed'",
            bid,
            partner,
        )
        first, *others = self.requirements(challenge)
        self.act(
            "bid of two",
            email,
            f"/bids/{bid}",
            self.fields(bid, "联合方案", (organization, [first]), (partner, others)),
            "SELECT state = 'submitted' FROM bid WHERE id = %s",
            bid,
        )

    def end_bidding(self, challenge: str) -> None:
        """The deadline passes; the worker finds it at one of its ticks, of which the first comes as it starts."""
        self.database.execute(
            "UPDATE challenge SET deadline_at = clock_timestamp() - interval '1 second' WHERE id = %s",
            (challenge,),
        )
        self.wait("closing", "SELECT state = 'closed' FROM challenge WHERE id = %s", challenge)

    def award(self, challenge: str) -> None:
        winner = self.bid_of(challenge, self.cast.bidders[0][0])
        path = f"/challenges/{challenge}/award"

        def seen() -> str:
            found = re.search(r'name="seen" value="([^"]*)"', self.page(self.cast.poster, path))
            return found.group(1) if found else ""

        self.act(
            "choice of the winner",
            self.cast.poster,
            f"{path}/choose",
            lambda: {"seen": seen(), "bids": str(winner)},
            "SELECT count(*) = 1 FROM consortium WHERE challenge_id = %s AND bid_id = %s",
            challenge,
            winner,
        )
        self.act(
            "submission of the winner",
            self.cast.poster,
            f"{path}/submit",
            lambda: {"seen": seen(), "note": "请审定"},
            "SELECT count(*) = 1 FROM consortium WHERE challenge_id = %s AND submitted_at IS NOT NULL",
            challenge,
        )
        consortium = self.value("SELECT id FROM consortium WHERE challenge_id = %s", challenge)
        self.act(
            "decision",
            self.cast.officers[0],
            f"/consortia/{consortium}/decide",
            lambda: {
                "outcome": "approved",
                "reason": "同意",
                "revision": str(self.value("SELECT revision FROM consortium WHERE id = %s", consortium)),
            },
            "SELECT count(*) = 1 FROM decision WHERE consortium_id = %s",
            consortium,
        )

    # The end

    def settle(self) -> None:
        """Let the worker do what is queued. What a killed one held is taken over a minute after its last sign of
        life: as if that minute had passed, or the run would take it."""
        self.deployment.repair()
        self.database.execute("UPDATE dramatiq.worker SET heartbeat_at = heartbeat_at - interval '2 minutes'")
        self.deployment._kill("worker")
        self.deployment.kills["worker"] -= 1
        self.deployment.repair()
        self.wait(
            "the end of the queue",
            "SELECT count(*) = 0 FROM dramatiq.queue WHERE state IN ('queued', 'consumed')"
            # The ticks of the worker that runs come and go.
            " AND message->>'actor_name' NOT IN ('do_what_is_due', 'begin_digests')",
        )

    def examine(self, mail: MailServer) -> None:
        for name, check, values in self.ledger:
            if not self.value(check, *values):
                raise LostError(f"{name} was acknowledged and is gone")
        self.examine_commands()
        self.examine_mail(mail)
        self.examine_states()
        if stuck := self.value("SELECT count(*) FROM dramatiq.queue WHERE state = 'rejected'"):
            raise LostError(f"{stuck} jobs were given up")

    def examine_commands(self) -> None:
        done = self.deployment.command("audit", "verify")
        if done.returncode:
            raise LostError(f"the audit log does not verify: {done.stdout}{done.stderr}")
        for challenge in self.cast.challenges[: self.figures.rounds]:
            done = self.deployment.command("bids", "verify", challenge)
            if done.returncode:
                raise LostError(f"receipts of {challenge} do not verify: {done.stdout}{done.stderr}")

    def examine_mail(self, mail: MailServer) -> None:
        received = Counter(str(message["Message-ID"]) for _to, message in mail.received)
        if twice := [key for key, number in received.items() if number > 1]:
            raise LostError(f"{len(twice)} mails were received twice")
        self.figures.mails = len(received)
        for key, sent, given_up in self.database.execute(
            "SELECT id::text, sent_at IS NOT NULL, given_up_at IS NOT NULL FROM mail_message"
        ).fetchall():
            arrived = any(key in name for name in received)
            if sent and not arrived:
                raise LostError(f"mail {key} counts as sent and was not received")
            if not sent and not given_up:
                raise LostError(f"mail {key} is neither sent nor given up")
            self.figures.uncertain += int(given_up)
        untold = self.value(
            "SELECT count(*) FROM notification WHERE delivery = 'at_once' AND mail_id IS NULL"
            " AND withheld_at IS NULL"
        )
        if untold:
            raise LostError(f"{untold} notifications were never mailed")
        if told_twice := self.value(
            "SELECT count(*) FROM (SELECT 1 FROM notification WHERE mail_id IS NOT NULL"
            " GROUP BY mail_id HAVING count(*) > 1) AS doubled"
        ):
            raise LostError(f"{told_twice} mails tell of several events")

    def examine_states(self) -> None:
        """What the audit log tells last of a thing is where it stands, and what belongs together stands together."""
        for noun in ("challenge", "bid", "consortium"):
            differing = self.value(
                "SELECT count(*) FROM (SELECT DISTINCT ON (subject_id) subject_id, changes->'state'->>1 AS told"
                " FROM audit_entry WHERE subject_type = %s AND jsonb_typeof(changes->'state') = 'array'"
                # Told of the bid, though it is a part's state.
                " AND action NOT LIKE 'bid.member%%'"
                f" ORDER BY subject_id, number DESC) AS last JOIN {noun} AS thing ON thing.id = last.subject_id"
                " WHERE thing.state <> last.told",
                noun,
            )
            if differing:
                raise LostError(f"{differing} of {noun} stand elsewhere than the audit log tells")
        halves = {
            "approved without a decision": "SELECT count(*) FROM consortium c WHERE c.state = 'approved'"
            " AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.consortium_id = c.id AND d.outcome = 'approved')",
            "approved, and its challenge not awarded": "SELECT count(*) FROM consortium c"
            " JOIN challenge x ON x.id = c.challenge_id"
            " WHERE c.state = 'approved' AND x.state NOT IN ('awarded', 'in_notice')",
            "handed in without a receipt": "SELECT count(*) FROM bid b WHERE b.state = 'submitted'"
            " AND NOT EXISTS (SELECT 1 FROM bid_receipt r WHERE r.bid_id = b.id)",
            "opened, and a bid sealed": "SELECT count(*) FROM bid b JOIN challenge c ON c.id = b.challenge_id"
            " WHERE c.bids_opened_at IS NOT NULL AND b.state = 'submitted' AND b.sealed_content IS NOT NULL",
            "a step without an entry": "SELECT count(*) FROM decision d WHERE NOT EXISTS (SELECT 1"
            " FROM audit_entry a WHERE a.changes->>'decision' = d.id::text AND a.subject_type = 'consortium')",
        }
        for name, query in halves.items():
            if number := self.value(query):
                raise LostError(f"{name}: {number}")


def kill_run(kills: int, seed: int, *, url: str | None = None) -> Figures:
    """Play rounds until so many kills have happened; raises LostError where something is amiss."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jiebang-kill-", ignore_cleanup_errors=True) as name:
        base = Settings(data_dir=Path(name), secret_key="0" * 64)
        with database_server(replace(base, database_url=url) if url else base) as settings:
            assert settings.database_url is not None
            migrate(settings.database_url)
            # A round has some twenty acts; each may be killed once or more.
            cast = asyncio.run(make_cast(settings, rounds=kills // 12 + 2))
            mail = MailServer()
            mail.start()
            deployment = Deployment(settings.database_url, mail.url, Path(name), seed)
            try:
                deployment.start()
                run = Run(deployment, settings.database_url, cast, kills)
                while run.killed < kills:
                    run.round(run.figures.rounds)
                run.settle()
                run.examine(mail)
                run.figures.kills = dict(deployment.kills)
            except BaseException:
                deployment.log.flush()
                print(Path(deployment.log.name).read_text(errors="replace")[-8000:], file=sys.stderr)
                raise
            finally:
                deployment.stop()
                mail.stop()
            run.figures.seconds = round(time.monotonic() - started, 1)
            return run.figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures = kill_run(options.kills, options.seed)
    print(json.dumps(figures.__dict__, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
