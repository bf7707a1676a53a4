"""Every model of the package in one place: importing it makes the tables known to the metadata."""

from challenges.acceptances.models import AcceptanceState, Delivery, FinalAcceptance, Rating, Side
from challenges.allocations.models import AllocationRun, AllocationState, SolverGroup
from challenges.amendments.models import Amendment, AmendmentState, BidConfirmation
from challenges.awards.models import BidChoice
from challenges.bids.keys import ChallengeKey, ProgramKey
from challenges.bids.models import (
    Bid,
    BidMember,
    BidMemberState,
    BidOpening,
    BidReceipt,
    BidState,
    ReceiptAct,
)
from challenges.calendars.models import CalendarFeed
from challenges.checks.models import CheckState, FormalCheck
from challenges.consortia.models import (
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    Decision,
    MemberDeparture,
    Outcome,
    QuotaRecheck,
    Settlement,
    Waiver,
    WaiverAnswer,
)
from challenges.contracts.models import (
    Contract,
    ContractSignature,
    ContractState,
    ContractVersion,
    PartyRole,
    VersionState,
)
from challenges.experts.models import Expert, PastEmployer
from challenges.exports.models import ExportKind, ExportRun, ExportState
from challenges.matches.models import Match, MatchRun, MatchRunState
from challenges.milestones.models import Elimination, Milestone, MilestoneReport, MilestoneState
from challenges.notices.models import Notice, NoticeState
from challenges.objections.models import Effect, Objection, ObjectionState
from challenges.postings.models import (
    Challenge,
    ChallengeState,
    Cooperation,
    InvitedSolver,
    NeedSource,
    Requirement,
    SavedChallenge,
)
from challenges.programs.models import AppliesTo, Program, ProgramOfficer, QuotaRule, Round
from challenges.questions.models import Answer, Question, QuestionState
from challenges.reminders.models import QueueCheck, Reminder
from challenges.reviews.models import (
    PanelSeat,
    Review,
    ReviewCriterion,
    ReviewRemark,
    ReviewState,
    Score,
    ScoreRevision,
    SeatState,
)
from challenges.searches.models import ChallengeAnnouncement, SavedSearch

__all__ = [
    "AcceptanceState",
    "AllocationRun",
    "AllocationState",
    "Amendment",
    "AmendmentState",
    "Answer",
    "AppliesTo",
    "Bid",
    "BidChoice",
    "BidConfirmation",
    "BidMember",
    "BidMemberState",
    "BidOpening",
    "BidReceipt",
    "BidState",
    "CalendarFeed",
    "Challenge",
    "ChallengeAnnouncement",
    "ChallengeKey",
    "ChallengeState",
    "CheckState",
    "Consortium",
    "ConsortiumMember",
    "ConsortiumState",
    "Contract",
    "ContractSignature",
    "ContractState",
    "ContractVersion",
    "Cooperation",
    "Decision",
    "Delivery",
    "Effect",
    "Elimination",
    "Expert",
    "ExportKind",
    "ExportRun",
    "ExportState",
    "FinalAcceptance",
    "FormalCheck",
    "InvitedSolver",
    "Match",
    "MatchRun",
    "MatchRunState",
    "MemberDeparture",
    "Milestone",
    "MilestoneReport",
    "MilestoneState",
    "NeedSource",
    "Notice",
    "NoticeState",
    "Objection",
    "ObjectionState",
    "Outcome",
    "PanelSeat",
    "PartyRole",
    "PastEmployer",
    "Program",
    "ProgramKey",
    "ProgramOfficer",
    "Question",
    "QuestionState",
    "QueueCheck",
    "QuotaRecheck",
    "QuotaRule",
    "Rating",
    "ReceiptAct",
    "Reminder",
    "Requirement",
    "Review",
    "ReviewCriterion",
    "ReviewRemark",
    "ReviewState",
    "Round",
    "SavedChallenge",
    "SavedSearch",
    "Score",
    "ScoreRevision",
    "SeatState",
    "Settlement",
    "Side",
    "SolverGroup",
    "VersionState",
    "Waiver",
    "WaiverAnswer",
]
