"""What people read for the values of the domain's enumerations."""

from enum import StrEnum
from typing import Any

from challenges.models import (
    AllocationState,
    AppliesTo,
    BidMemberState,
    BidState,
    ChallengeState,
    ConsortiumState,
    Cooperation,
    MatchRunState,
    NeedSource,
    Outcome,
    ReceiptAct,
    Settlement,
)
from core.accounts.models import PlatformRole
from core.i18n import lazy_gettext as _
from core.notifications.models import Delivery
from solvers.models import (
    CertificateKind,
    ControlKind,
    EvidenceKind,
    MembershipRole,
    OrganizationKind,
    SizeClass,
    Verification,
    Visibility,
)

# A list of pairs: members of different enumerations may be equal as strings, so they cannot be keys.
LABELS: list[tuple[StrEnum, Any]] = [
    (PlatformRole.OFFICER, _("Program officer")),
    (PlatformRole.ADMINISTRATOR, _("Administrator")),
    (PlatformRole.REVIEWER, _("Reviewer")),
    (OrganizationKind.ENTERPRISE, _("Enterprise")),
    (OrganizationKind.RESEARCH_INSTITUTE, _("Research institute")),
    (OrganizationKind.UNIVERSITY, _("University")),
    (SizeClass.LARGE, _("Large")),
    (SizeClass.MEDIUM, _("Medium")),
    (SizeClass.SMALL, _("Small")),
    (SizeClass.MICRO, _("Micro")),
    (Verification.DRAFT, _("Not yet handed in")),
    (Verification.PENDING, _("Waiting for verification")),
    (Verification.VERIFIED, _("Verified")),
    (Verification.REJECTED, _("Sent back")),
    (MembershipRole.OWNER, _("Owner")),
    (MembershipRole.EDITOR, _("Editor")),
    (MembershipRole.VIEWER, _("Viewer")),
    (ControlKind.CONTROL, _("Controls or manages it directly")),
    (ControlKind.SAME_LEGAL_REPRESENTATIVE, _("Has the same legal representative")),
    (CertificateKind.HIGH_TECH, _("High-tech enterprise")),
    (CertificateKind.TECH_SME, _("Technology-based SME")),
    (CertificateKind.INNOVATIVE_SME, _("Innovative SME")),
    (CertificateKind.SPECIALIZED, _("Specialized and sophisticated SME")),
    (CertificateKind.LITTLE_GIANT, _("Little giant")),
    (CertificateKind.CHAMPION, _("Single-product champion")),
    (EvidenceKind.CAPABILITY, _("Capability")),
    (EvidenceKind.PATENT, _("Patent")),
    (EvidenceKind.PAPER, _("Paper")),
    (EvidenceKind.PROJECT, _("Project")),
    (EvidenceKind.PRODUCT, _("Product")),
    (EvidenceKind.EQUIPMENT, _("Equipment")),
    (EvidenceKind.STANDARD, _("Standard")),
    (Visibility.PUBLIC, _("Everybody")),
    (Visibility.VERIFIED, _("Verified organizations")),
    (Visibility.MATCHER, _("Only the matcher and officers")),
    (AppliesTo.LARGE_LEAD, _("Projects led by a large enterprise")),
    (AppliesTo.ALL, _("All projects")),
    (ChallengeState.DRAFT, _("Draft")),
    (ChallengeState.SUBMITTED, _("In screening")),
    (ChallengeState.RETURNED, _("Returned")),
    (ChallengeState.PUBLISHED, _("Open for bids")),
    (ChallengeState.CLOSED, _("Bidding closed")),
    (ChallengeState.IN_REVIEW, _("In review")),
    (ChallengeState.MATCH_PROPOSED, _("Awaiting decision")),
    (ChallengeState.AWARDED, _("Awarded")),
    (ChallengeState.IN_NOTICE, _("Public notice")),
    (ChallengeState.CONTRACTED, _("Contracted")),
    (ChallengeState.IN_PROGRESS, _("In progress")),
    (ChallengeState.ACCEPTED, _("Accepted")),
    (ChallengeState.FAILED, _("Ended without success")),
    (ChallengeState.WITHDRAWN, _("Withdrawn")),
    (ChallengeState.NO_AWARD, _("No award")),
    (NeedSource.PRODUCTION, _("Problem in production")),
    (NeedSource.PRODUCT_UPGRADE, _("Product upgrade")),
    (NeedSource.IMPORT_SUBSTITUTION, _("Import substitution")),
    (NeedSource.SAFETY_ENVIRONMENT, _("Safety or environment")),
    (NeedSource.OTHER, _("Other")),
    (Cooperation.SHORT_TERM, _("Short-term project")),
    (Cooperation.LONG_TERM, _("Long-term cooperation")),
    (MatchRunState.QUEUED, _("Queued")),
    (MatchRunState.RUNNING, _("Running")),
    (MatchRunState.DONE, _("Done")),
    (MatchRunState.FAILED, _("Failed")),
    (AllocationState.QUEUED, _("Queued")),
    (AllocationState.RUNNING, _("Running")),
    (AllocationState.DONE, _("Done")),
    (AllocationState.FAILED, _("Failed")),
    (BidState.DRAFT, _("Draft bid")),
    (BidState.SUBMITTED, _("Submitted bid")),
    (BidState.WITHDRAWN, _("Withdrawn bid")),
    (ReceiptAct.SUBMITTED, _("Handed in")),
    (ReceiptAct.REPLACED, _("Replaced")),
    (ReceiptAct.TAKEN_BACK, _("Taken back by a change of members")),
    (ReceiptAct.WITHDRAWN, _("Withdrawn")),
    (BidMemberState.INVITED, _("Invited")),
    (BidMemberState.CONFIRMED, _("Confirmed")),
    (BidMemberState.DECLINED, _("Declined")),
    (ConsortiumState.PROPOSED, _("Being prepared")),
    (ConsortiumState.SUBMITTED, _("Submitted for decision")),
    (ConsortiumState.RETURNED, _("Sent back by the officer")),
    (ConsortiumState.APPROVED, _("Approved")),
    (ConsortiumState.REJECTED, _("Rejected")),
    (ConsortiumState.SUPERSEDED, _("Superseded")),
    (Settlement.KEPT, _("The quota is kept")),
    (Settlement.SUPERSEDED, _("Another consortium is chosen")),
    (Settlement.ENDED, _("The award is ended")),
    (Settlement.FOUND_ANEW, _("Overtaken by a newer recheck")),
    (Outcome.APPROVED, _("Approved")),
    (Outcome.RETURNED, _("Returned for revision")),
    (Outcome.REJECTED, _("Rejected")),
    (Delivery.AT_ONCE, _("At once")),
    (Delivery.DAILY, _("Daily, in one mail")),
    (Delivery.NEVER, _("Not by mail")),
]

_BY_CLASS = {(type(member), member.value): text for member, text in LABELS}


def label(member: StrEnum | None) -> str:
    """The text for a member, an en dash for None."""
    return "–" if member is None else str(_BY_CLASS[type(member), member.value])


def choices(kind: type[StrEnum]) -> list[tuple[str, str]]:
    """Value and text of every member, for a select field."""
    return [(member.value, label(member)) for member in kind]
