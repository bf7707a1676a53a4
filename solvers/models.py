"""Every model of the package in one place: importing it makes the tables known to the metadata."""

from solvers.organizations.models import (
    Certificate,
    CertificateKind,
    ControlKind,
    ControlRelation,
    Invitation,
    Membership,
    MembershipRole,
    Organization,
    OrganizationKind,
    SizeClass,
    Verification,
)
from solvers.profiles.models import CapabilityProfile, EvidenceItem, EvidenceKind, Visibility

__all__ = [
    "CapabilityProfile",
    "Certificate",
    "CertificateKind",
    "ControlKind",
    "ControlRelation",
    "EvidenceItem",
    "EvidenceKind",
    "Invitation",
    "Membership",
    "MembershipRole",
    "Organization",
    "OrganizationKind",
    "SizeClass",
    "Verification",
    "Visibility",
]
