"""The look at the end: is everything there that was acknowledged, once, and whole?"""

import hashlib
from collections import Counter

from challenges.acceptances.states import ACCEPTANCE
from challenges.bids.states import BID
from challenges.consortia.states import MACHINE as CONSORTIUM
from challenges.contracts.states import CONTRACT, VERSION
from challenges.milestones.states import MILESTONE
from challenges.notices.states import MACHINE as NOTICE
from challenges.objections.states import MACHINE as OBJECTION
from challenges.postings.states import MACHINE as CHALLENGE
from challenges.questions.states import QUESTION
from tests.integration.core.conftest import MailServer
from tests.resilience.figures import LostError
from tests.resilience.run import Run

# Told of under their own id.
MACHINES = (
    CHALLENGE,
    QUESTION,
    BID,
    CONSORTIUM,
    NOTICE,
    OBJECTION,
    CONTRACT,
    VERSION,
    MILESTONE,
    ACCEPTANCE,
)
# Each counts what there must be none of.
HALVES = {
    "approved without a decision": "FROM consortium c WHERE c.state = 'approved' AND NOT EXISTS (SELECT 1"
    " FROM decision d WHERE d.consortium_id = c.id AND d.outcome = 'approved')",
    "approved, and its challenge not awarded": "FROM consortium c JOIN challenge x ON x.id = c.challenge_id"
    " WHERE c.state = 'approved'"
    " AND x.state NOT IN ('awarded', 'in_notice', 'contracted', 'in_progress', 'accepted')",
    "handed in without a receipt": "FROM bid b WHERE b.state = 'submitted'"
    " AND NOT EXISTS (SELECT 1 FROM bid_receipt r WHERE r.bid_id = b.id)",
    "opened, and a bid sealed": "FROM bid b JOIN challenge c ON c.id = b.challenge_id"
    " WHERE c.bids_opened_at IS NOT NULL AND b.state = 'submitted' AND b.sealed_content IS NOT NULL",
    "a decision without an entry": "FROM decision d WHERE NOT EXISTS (SELECT 1 FROM audit_entry a"
    " WHERE a.changes->>'decision' = d.id::text AND a.subject_type = 'consortium')",
    "a check that is settled and undecided": "FROM formal_check c"
    " WHERE (c.settled_at IS NOT NULL) <> (c.state IN ('passed', 'failed'))",
    "handed in with scores missing": "FROM panel_seat s JOIN review r ON r.id = s.review_id"
    " WHERE s.state = 'handed_in' AND (SELECT count(*) FROM score x WHERE x.seat_id = s.id AND x.points IS NOT NULL)"
    " <> jsonb_array_length(r.bid_ids) * jsonb_array_length(r.criteria)",
    "a review that is over without a ranking": "FROM review r"
    " WHERE (r.state = 'finished') <> (jsonb_array_length(r.ranking) > 0)",
    "a notice without its award": "FROM notice n JOIN challenge c ON c.id = n.challenge_id"
    " WHERE n.state <> 'withdrawn' AND c.state IN ('closed', 'in_review', 'match_proposed', 'awarded')",
    "an objection answered in part": "FROM objection o"
    " WHERE (o.state IN ('upheld', 'dismissed')) <> (o.answered_at IS NOT NULL AND o.answer <> '')",
    "in force without every signature": "FROM contract_version v WHERE v.state = 'signed'"
    " AND (SELECT count(*) FROM contract_signature s WHERE s.version_id = v.id AND NOT s.is_void)"
    " <> 1 + (SELECT count(*) FROM consortium_member m JOIN contract c ON c.consortium_id = m.consortium_id"
    " WHERE c.id = v.contract_id)",
    "signed without milestones": "FROM contract c WHERE c.state IN ('signed', 'completed')"
    " AND NOT EXISTS (SELECT 1 FROM milestone m WHERE m.contract_id = c.id)",
    "a milestone and its report apart": "FROM milestone m WHERE (m.state = 'accepted') <> EXISTS (SELECT 1"
    " FROM milestone_report r WHERE r.milestone_id = m.id AND r.is_accepted)",
    "confirmed, and its contract not completed": "FROM final_acceptance a JOIN contract c ON c.id = a.contract_id"
    " WHERE (a.state = 'confirmed') <> (c.state = 'completed')",
    "completed, and its challenge not accepted": "FROM contract c JOIN challenge x ON x.id = c.challenge_id"
    " WHERE (c.state = 'completed') <> (x.state = 'accepted')",
}


def look(run: Run, mail: MailServer) -> None:
    for name, check, values in run.ledger:
        if not run.value(check, *values):
            raise LostError(f"{name} was acknowledged and is gone")
    _look_at_commands(run)
    _look_at_mail(run, mail)
    _look_at_files(run)
    _look_at_states(run)
    if stuck := run.value("SELECT count(*) FROM dramatiq.queue WHERE state = 'rejected'"):
        raise LostError(f"{stuck} jobs were given up")


def _look_at_commands(run: Run) -> None:
    challenges = run.cast.challenges[: run.figures.rounds]
    for arguments in (
        ("audit", "verify"),
        *(("bids", "verify", challenge) for challenge in challenges),
        *(("decision", "replay", decision) for decision in run.values("SELECT id FROM decision")),
    ):
        status, printed = run.killer.deployment.command(*arguments)
        if status:
            raise LostError(f"{' '.join(arguments)} says: {printed}")


def _look_at_mail(run: Run, mail: MailServer) -> None:
    received = Counter(str(message["Message-ID"]) for _to, message in mail.received)
    if twice := [key for key, number in received.items() if number > 1]:
        raise LostError(f"{len(twice)} mails were received twice")
    run.figures.mails = len(received)
    for key, sent, given_up in run.database.execute(
        "SELECT id::text, sent_at IS NOT NULL, given_up_at IS NOT NULL FROM mail_message"
    ).fetchall():
        if sent and not any(key in name for name in received):
            raise LostError(f"mail {key} counts as sent and was not received")
        if not sent and not given_up:
            raise LostError(f"mail {key} is neither sent nor given up")
        run.figures.uncertain += int(given_up)
    if untold := run.value(
        "SELECT count(*) FROM notification WHERE delivery = 'at_once' AND mail_id IS NULL AND withheld_at IS NULL"
    ):
        raise LostError(f"{untold} notifications were never mailed")
    if told_twice := run.value(
        "SELECT count(*) FROM (SELECT 1 FROM notification WHERE mail_id IS NOT NULL"
        " GROUP BY mail_id HAVING count(*) > 1) AS doubled"
    ):
        raise LostError(f"{told_twice} mails tell of several events")


def _look_at_files(run: Run) -> None:
    """What a row tells of is in the storage with these bytes; of a sealed file only its presence is known."""
    directory = run.killer.deployment.directory / "attachments"
    for location, sha256 in run.database.execute("SELECT location, sha256 FROM attachment").fetchall():
        path = directory / location
        if not path.is_file():
            raise LostError(f"the file {location} is not there")
        if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise LostError(f"the file {location} is not what was sent")
        run.figures.files += 1


def _look_at_states(run: Run) -> None:
    """What the audit log tells last of a thing is where it stands, and what belongs together stands together."""
    for machine in MACHINES:
        if differing := run.value(
            "SELECT count(*) FROM (SELECT DISTINCT ON (subject_id) subject_id, changes->'state'->>1 AS told"
            " FROM audit_entry WHERE subject_type = %s AND action = ANY(%s)"
            f" ORDER BY subject_id, number DESC) AS last JOIN {machine.noun} AS thing ON thing.id = last.subject_id"
            " WHERE thing.state <> last.told",
            machine.noun,
            sorted({step.action for step in machine.transitions}),
        ):
            raise LostError(f"{differing} of {machine.noun} stand elsewhere than the audit log tells")
    for name, query in HALVES.items():
        if number := run.value(f"SELECT count(*) {query}"):
            raise LostError(f"{name}: {number}")
