"""The audit log of a challenge in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.audit import AuditEntry
from core.i18n import gettext
from core.i18n import lazy_gettext as _

# Steps of a challenge's life; what else the log holds about it (matching, files) is told by its own words below.
ACTIONS = {
    "challenge.created": (_("Draft begun"), "pencil"),
    "challenge.submitted": (_("Submitted for screening"), "send"),
    "challenge.returned": (_("Returned for revision"), "arrow-back-up"),
    "challenge.published": (_("Published on the list"), "speakerphone"),
    "challenge.publication_planned": (_("Publication planned"), "calendar-event"),
    "challenge.publication_unplanned": (_("Planned publication cancelled"), "calendar-off"),
    "challenge.publication_failed": (_("Could not be published as planned"), "alert-triangle"),
    "question.answered": (_("Question answered"), "message-reply"),
    "question.answer_corrected": (_("Answer corrected"), "message-reply"),
    "question.hidden": (_("Question hidden"), "eye-off"),
    "amendment.proposed": (_("Change proposed"), "git-pull-request"),
    "amendment.confirmed": (_("Change confirmed and in force"), "versions"),
    "amendment.refused": (_("Change refused"), "x"),
    "amendment.taken_back": (_("Proposed change taken back"), "arrow-back-up"),
    "amendment.lapsed": (_("Proposed change came too late"), "clock-x"),
    "challenge.closed": (_("Deadline passed"), "clock-stop"),
    "bids.opening_asked": (_("Opening of the bids asked for"), "key"),
    "bids.opened": (_("Bids opened"), "lock-open"),
    "checks.begun": (_("Formal check begun"), "clipboard-check"),
    "check.completion_requested": (_("Completion of a bid asked for"), "file-plus"),
    "check.completed": (_("Completion of a bid handed in"), "file-check"),
    "check.lapsed": (_("A bid was not completed in time"), "clock-stop"),
    "check.passed": (_("A bid passed the formal check"), "check"),
    "check.failed": (_("A bid did not pass the formal check"), "x"),
    "check.reopened": (_("Formal check looked at again"), "refresh"),
    "review.prepared": (_("Review prepared"), "checklist"),
    "review.broken_off": (_("Panel dissolved"), "arrow-back-up"),
    "review.panel_proposed": (_("Panel proposed by the program"), "wand"),
    "review.expert_seated": (_("Expert put on the panel"), "user-plus"),
    "review.panel_reduced": (_("Review goes on with fewer experts"), "user-minus"),
    "review.proposal_dropped": (_("Proposed expert taken off"), "user-minus"),
    "seat.asked": (_("Expert asked for conflicts"), "mail-question"),
    "seat.declared": (_("Expert declared no conflict"), "shield-check"),
    "seat.conflict_declared": (_("Expert declared a conflict"), "user-x"),
    "seat.excused": (_("Expert taken off the panel"), "user-minus"),
    "seat.handed_in": (_("Scores handed in"), "send"),
    "seat.scores_revised": (_("Scores revised in the discussion"), "pencil"),
    "challenge.winners_named": (_("Winners named"), "trophy"),
    "review.scoring_begun": (_("Panel complete, scoring begun"), "clipboard-list"),
    "review.discussion_begun": (_("All have scored, discussion begun"), "messages"),
    "review.scoring_reopened": (_("Scoring reopened"), "refresh"),
    "review.extended": (_("Deadline of the review extended"), "calendar-plus"),
    "review.finished": (_("Review finished, ranking fixed"), "list-numbers"),
    "challenge.match_proposed": (_("Consortium submitted for decision"), "users-group"),
    "challenge.match_returned": (_("Consortium sent back or taken back"), "arrow-back-up"),
    "challenge.awarded": (_("Awarded"), "award"),
    "challenge.review_begun": (_("Review begun"), "checklist"),
    "challenge.review_broken_off": (_("Review broken off"), "arrow-back-up"),
    "challenge.notice_begun": (_("Public notice begun"), "eye"),
    "notice.published": (_("Public notice published"), "eye"),
    "notice.ended": (_("Public notice ended"), "eye-check"),
    "notice.withdrawn": (_("Public notice withdrawn"), "eye-off"),
    "objection.raised": (_("Objection raised against the award"), "message-exclamation"),
    "objection.upheld": (_("Objection upheld"), "gavel"),
    "objection.dismissed": (_("Objection dismissed"), "gavel"),
    "objection.withdrawn": (_("Objection taken back"), "arrow-back-up"),
    "objection.lapsed": (_("Objection without an object any more"), "clock-x"),
    "challenge.award_returned": (_("Award returned"), "arrow-back-up"),
    "challenge.contracted": (_("Contract signed"), "file-text"),
    "challenge.work_begun": (_("Work begun"), "player-play"),
    "challenge.accepted": (_("Accepted"), "circle-check"),
    "challenge.failed": (_("Ended without success"), "ban"),
    "challenge.withdrawn": (_("Withdrawn"), "ban"),
    "challenge.no_award": (_("Ended without an award"), "ban"),
    "challenge.attachment_added": (_("File added"), "paperclip"),
    "challenge.attachment_removed": (_("File removed"), "paperclip"),
    "bid.started": (_("Bid begun"), "pencil"),
    "bid.submitted": (_("Bid handed in"), "send"),
    "bid.reopened": (_("Bid taken back by a change of members"), "arrow-back-up"),
    "bid.confirmed": (_("Bid confirmed after a change of the challenge"), "checks"),
    "bid.withdrawn": (_("Bid withdrawn"), "ban"),
    "bid.member_invited": (_("Member invited to the bid"), "user-plus"),
    "bid.member_confirmed": (_("Member has confirmed its part"), "user-check"),
    "bid.member_declined": (_("Member has declined its part"), "user-x"),
    "bid.member_removed": (_("Member removed from the bid"), "user-minus"),
    "bid.file_added": (_("File added"), "paperclip"),
    "bid.file_removed": (_("File removed"), "paperclip"),
    "consortium.proposal_asked": (_("Proposal asked for"), "wand"),
    "consortium.taken_from_bid": (_("Taken over from a bid"), "file-import"),
    "consortium.assigned": (_("Requirements or lead assigned"), "arrows-exchange"),
    "consortium.member_added": (_("Member added"), "user-plus"),
    "consortium.member_removed": (_("Member removed"), "user-minus"),
    "consortium.member_exchanged": (_("Member exchanged"), "replace"),
    "consortium.alternative_taken": (_("Alternative taken"), "versions"),
    "consortium.what_if_taken": (_("Answer to a what-if question taken over"), "arrows-split"),
    "consortium.computed_again": (_("Computed again"), "refresh"),
    "consortium.submitted": (_("Submitted for decision"), "send"),
    "consortium.taken_back": (_("Taken back by the poster"), "arrow-back-up"),
    "consortium.approved": (_("Approved"), "check"),
    "consortium.returned": (_("Returned for revision"), "arrow-back-up"),
    "consortium.rejected": (_("Rejected"), "x"),
    "consortium.waiver_requested": (_("Waiver of the quota asked for"), "hand-stop"),
    "consortium.waiver_confirmed": (_("Waiver confirmed by a second officer"), "checks"),
    "consortium.waiver_refused": (_("Waiver refused by a second officer"), "x"),
    "consortium.dropped": (_("Ended with its challenge"), "ban"),
    "consortium.superseded": (_("Superseded"), "replace"),
    "consortium.withdrawn": (_("Another winner was named"), "replace"),
    "consortium.member_left": (_("A member has left"), "user-minus"),
    "consortium.rechecked": (_("Quota checked again"), "refresh-alert"),
    "consortium.recheck_settled": (_("Recheck settled"), "check"),
    "challenge.contracts_drafted": (_("Contracts made"), "file-plus"),
    "contract.drafted": (_("Contract made"), "file-plus"),
    "contract.offered": (_("Contract offered for signing"), "send"),
    "contract.changes_asked": (_("Changes of the contract asked for"), "arrow-back-up"),
    "contract.party_signed": (_("Signed by a party"), "signature"),
    "contract.signed": (_("Contract signed by all parties"), "file-check"),
    "contract.amendment_begun": (_("Amendment of the contract begun"), "file-pencil"),
    "contract.version_signed": (_("Version in force"), "file-check"),
    "contract.version_given_up": (_("Version given up"), "file-x"),
    "contract.dropped": (_("Team dropped"), "user-minus"),
    "contract.terminated": (_("Contract ended early"), "ban"),
    "contract.completed": (_("Contract completed"), "circle-check"),
    "contract.failed": (_("Contract failed"), "ban"),
    "contract.eliminated": (_("Eliminated in the horse race"), "flag-off"),
    "contract.elimination_proposed": (_("Elimination proposed"), "flag-off"),
    "contract.elimination_refused": (_("Elimination refused"), "flag"),
    "contract.rated": (_("The other side was rated"), "star"),
    "acceptance.asked": (_("Final acceptance asked for"), "certificate"),
    "acceptance.accepted": (_("Accepted by the poster, to be confirmed"), "certificate"),
    "acceptance.refused": (_("Final acceptance refused"), "certificate-off"),
    "acceptance.confirmed": (_("Final acceptance confirmed"), "certificate"),
    "milestone.reported": (_("Milestone reported"), "flag-up"),
    "milestone.accepted": (_("Milestone accepted"), "flag-check"),
    "milestone.rework_asked": (_("Milestone in rework"), "flag-minus"),
    "milestone.cancelled": (_("Milestone cancelled"), "flag-off"),
    "milestone.paid": (_("Payment made"), "coin"),
    "milestone.payment_received": (_("Payment confirmed"), "coin"),
    "match.queued": (_("Ranking of solvers asked for"), "refresh"),
}


@dataclass(frozen=True)
class HistoryLine:
    at: datetime
    who: str
    text: str
    icon: str
    note: str


def history_of(entries: list[AuditEntry]) -> list[HistoryLine]:
    """Entries that people read, in the given order; actions without words of their own are left out."""
    return [
        HistoryLine(
            at=entry.at,
            who=_who(entry),
            text=str(ACTIONS[entry.action][0]),
            icon=ACTIONS[entry.action][1],
            note=_note(entry.changes),
        )
        for entry in entries
        if entry.action in ACTIONS
    ]


def _who(entry: AuditEntry) -> str:
    if entry.person_id is None:
        return gettext("Automatically")
    if entry.organization_name:
        return f"{entry.person_name} · {entry.organization_name}"
    return entry.person_name


def _note(changes: dict[str, Any]) -> str:
    return str(changes.get("note") or changes.get("reason") or changes.get("name") or "")
