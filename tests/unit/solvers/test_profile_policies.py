import uuid

import pytest

from core.accounts.models import PlatformRole
from core.actor import ANONYMOUS, Actor
from solvers.models import Organization, OrganizationKind, Verification, Visibility
from solvers.profiles.policies import (
    may_edit_profile,
    may_read_profile,
    may_see_figures,
    may_see_organization,
    readable_visibilities,
)

OWN = uuid.uuid4()
OTHER = uuid.uuid4()


def member(organization_id: uuid.UUID, role: str = "owner", *, verified: bool = True) -> Actor:
    return Actor(
        person_id=uuid.uuid4(),
        organization_id=organization_id,
        organization_role=role,
        organization_verified=verified,
    )


def with_role(role: PlatformRole) -> Actor:
    return Actor(person_id=uuid.uuid4(), roles=frozenset({role}))


def organization(verification: Verification) -> Organization:
    return Organization(id=OWN, name="甲", kind=OrganizationKind.UNIVERSITY, verification=verification)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (ANONYMOUS, {Visibility.PUBLIC}),
        (member(OTHER, verified=False), {Visibility.PUBLIC}),
        (member(OTHER), {Visibility.PUBLIC, Visibility.VERIFIED}),
        (with_role(PlatformRole.REVIEWER), {Visibility.PUBLIC}),
        (with_role(PlatformRole.ADMINISTRATOR), {Visibility.PUBLIC}),
        (with_role(PlatformRole.OFFICER), set(Visibility)),
    ],
)
def test_readers_see_what_was_opened_to_them_and_no_more(actor: Actor, expected: set[Visibility]) -> None:
    assert readable_visibilities(actor) == expected
    assert {each for each in Visibility if may_read_profile(actor, OWN, each)} == expected


def test_an_organizations_people_read_their_own_profile_whatever_its_visibility() -> None:
    assert may_read_profile(member(OWN, "viewer", verified=False), OWN, Visibility.MATCHER)
    assert not may_read_profile(member(OTHER), OWN, Visibility.MATCHER)


def test_owners_and_editors_change_a_profile_and_viewers_and_others_do_not() -> None:
    assert may_edit_profile(member(OWN, "owner"), OWN)
    assert may_edit_profile(member(OWN, "editor", verified=False), OWN)
    assert not may_edit_profile(member(OWN, "viewer"), OWN)
    assert not may_edit_profile(member(OTHER, "owner"), OWN)
    assert not may_edit_profile(with_role(PlatformRole.OFFICER), OWN)
    assert not may_edit_profile(with_role(PlatformRole.ADMINISTRATOR), OWN)


def test_an_unverified_organization_is_known_to_itself_and_the_authority_alone() -> None:
    for verification in (Verification.DRAFT, Verification.PENDING, Verification.REJECTED):
        assert not may_see_organization(ANONYMOUS, organization(verification))
        assert not may_see_organization(member(OTHER), organization(verification))
        assert may_see_organization(member(OWN, "viewer", verified=False), organization(verification))
        assert may_see_organization(with_role(PlatformRole.ADMINISTRATOR), organization(verification))
    assert may_see_organization(ANONYMOUS, organization(Verification.VERIFIED))


def test_figures_are_for_own_people_and_the_authority() -> None:
    assert may_see_figures(member(OWN, "viewer"), OWN)
    assert may_see_figures(with_role(PlatformRole.OFFICER), OWN)
    assert may_see_figures(with_role(PlatformRole.ADMINISTRATOR), OWN)
    assert not may_see_figures(member(OTHER), OWN)
    assert not may_see_figures(with_role(PlatformRole.REVIEWER), OWN)
    assert not may_see_figures(ANONYMOUS, OWN)
