import asyncio
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.accounts.models import Person
from core.actor import Actor
from core.clock import utc_now
from core.errors import ConflictError, DomainError, ForbiddenError
from core.mail import MailMessage
from core.process import Process
from solvers.models import Invitation, Membership, MembershipRole, Organization
from solvers.organizations import people
from tests.conftest import Browser, BrowserOf
from tests.factories import PASSWORD, Factory
from web.sessions import LOGIN_COOKIE


async def invite(make: Factory, browser: Browser, email: str, role: str = "editor") -> str:
    """Invite through the page; returns the path of the mailed link."""
    answer = await browser.submit("/organization/people/invite", {"email": email, "role": role})
    assert answer.status_code == 303
    bodies = await make.session.scalars(
        select(MailMessage.body)
        .where(MailMessage.recipient == email.lower())
        .order_by(MailMessage.created_at)
    )
    found = re.findall(r"/invitations/[\w-]+", "\n".join(bodies))
    return found[-1]


async def memberships(make: Factory, organization: Organization) -> dict[str, MembershipRole]:
    rows = await make.session.execute(
        select(Person.email, Membership.role)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.organization_id == organization.id)
    )
    return {row[0]: row[1] for row in rows}


async def owner_browser(make: Factory, browser_of: BrowserOf) -> tuple[Organization, Person, Browser]:
    organization = await make.organization()
    owner = await make.member(organization)
    return organization, owner, await browser_of(owner, organization)


async def test_somebody_without_an_account_joins_by_the_mailed_link(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, _owner, browser = await owner_browser(make, browser_of)
    path = await invite(make, browser, "New@example.com")
    guest = await browser_of()
    assert organization.name in (await guest.get(path)).text
    short = await guest.submit(path, {"person_name": "赵新", "password": "short", "repeated": "short"})
    assert short.status_code == 422
    assert "赵新" in short.text
    answer = await guest.submit(path, {"person_name": "赵新", "password": PASSWORD, "repeated": PASSWORD})
    assert answer.status_code == 303
    assert (await guest.get("/organization")).status_code == 200
    assert (await memberships(make, organization))["new@example.com"] is MembershipRole.EDITOR
    # Used up.
    assert (await (await browser_of()).get(path)).status_code == 404


async def test_somebody_with_an_account_joins_with_it_and_the_login_changes(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, _owner, browser = await owner_browser(make, browser_of)
    person = await make.person()
    path = await invite(make, browser, person.email, "viewer")
    anonymous = await browser_of()
    assert f"/login?to={path}" in (await anonymous.get(path)).text
    refused = await anonymous.submit(
        path, {"person_name": "赵新", "password": PASSWORD, "repeated": PASSWORD}
    )
    assert refused.status_code == 422
    theirs = await browser_of(person)
    token = theirs.cookies[LOGIN_COOKIE]
    assert (await theirs.submit(path)).status_code == 303
    assert theirs.cookies[LOGIN_COOKIE] != token
    assert (await memberships(make, organization))[person.email] is MembershipRole.VIEWER


async def test_the_link_works_for_no_other_account(make: Factory, browser_of: BrowserOf) -> None:
    organization, _owner, browser = await owner_browser(make, browser_of)
    path = await invite(make, browser, "somebody@example.com")
    stranger = await make.person()
    theirs = await browser_of(stranger)
    assert (await theirs.get(path)).status_code == 200
    assert (await theirs.submit(path)).status_code == 403
    assert stranger.email not in await memberships(make, organization)


async def test_an_expired_or_revoked_or_replaced_link_is_dead(make: Factory, browser_of: BrowserOf) -> None:
    _organization, _owner, browser = await owner_browser(make, browser_of)
    guest = await browser_of()
    first = await invite(make, browser, "a@example.com")
    second = await invite(make, browser, "a@example.com")
    assert (await guest.get(first)).status_code == 404
    assert (await guest.get(second)).status_code == 200
    invitation = (await make.session.scalars(select(Invitation).where(Invitation.revoked_at.is_(None)))).one()
    invitation.expires_at = utc_now() - timedelta(minutes=1)
    await make.session.commit()
    assert (await guest.get(second)).status_code == 404
    third = await invite(make, browser, "b@example.com")
    invitation = (
        await make.session.scalars(select(Invitation).where(Invitation.email == "b@example.com"))
    ).one()
    assert (await browser.submit(f"/organization/invitations/{invitation.id}/revoke")).status_code == 303
    assert (await guest.get(third)).status_code == 404
    assert (await guest.get("/invitations/made-up")).status_code == 404


async def test_only_owners_invite_and_nobody_invites_into_another_organization(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization = await make.organization()
    other = await make.organization()
    for role in (MembershipRole.EDITOR, MembershipRole.VIEWER):
        person = await make.member(organization, role)
        browser = await browser_of(person, organization)
        answer = await browser.submit(
            "/organization/people/invite", {"email": "x@example.com", "role": "editor"}
        )
        assert answer.status_code == 403
    owner = await make.member(organization)
    outsider = await browser_of(await make.member(other), other)
    path = await invite(make, await browser_of(owner, organization), "x@example.com")
    assert path
    invitation = (await make.session.scalars(select(Invitation))).one()
    answer = await outsider.submit(f"/organization/invitations/{invitation.id}/revoke")
    assert answer.status_code == 404


async def test_a_member_is_not_invited_again(make: Factory, browser_of: BrowserOf) -> None:
    _organization, owner, browser = await owner_browser(make, browser_of)
    answer = await browser.submit(
        "/organization/people/invite", {"email": owner.email.upper(), "role": "editor"}
    )
    assert answer.status_code == 422
    assert (await make.session.scalars(select(MailMessage))).first() is None


async def test_an_owner_changes_a_role_and_the_person_s_logins_end(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, _owner, browser = await owner_browser(make, browser_of)
    colleague = await make.member(organization, MembershipRole.VIEWER)
    theirs = await browser_of(colleague, organization)
    membership = (
        await make.session.scalars(select(Membership).where(Membership.person_id == colleague.id))
    ).one()
    answer = await browser.submit(f"/organization/people/{membership.id}/role", {"role": "editor"})
    assert answer.status_code == 303
    assert (await memberships(make, organization))[colleague.email] is MembershipRole.EDITOR
    assert (await theirs.get("/organization")).status_code == 401
    assert (
        await browser.submit(f"/organization/people/{membership.id}/role", {"role": "emperor"})
    ).status_code == 422


async def test_an_editor_changes_no_role_not_even_their_own(make: Factory, browser_of: BrowserOf) -> None:
    organization = await make.organization()
    await make.member(organization)
    editor = await make.member(organization, MembershipRole.EDITOR)
    browser = await browser_of(editor, organization)
    membership = (
        await make.session.scalars(select(Membership).where(Membership.person_id == editor.id))
    ).one()
    answer = await browser.submit(f"/organization/people/{membership.id}/role", {"role": "owner"})
    assert answer.status_code == 403


async def test_the_last_owner_stays_and_one_of_two_may_go(make: Factory, browser_of: BrowserOf) -> None:
    organization, owner, browser = await owner_browser(make, browser_of)
    own = (await make.session.scalars(select(Membership))).one()
    assert (await browser.submit(f"/organization/people/{own.id}/remove")).status_code == 409
    assert (
        await browser.submit(f"/organization/people/{own.id}/role", {"role": "viewer"})
    ).status_code == 409
    second = await make.member(organization)
    answer = await browser.submit(f"/organization/people/{own.id}/remove")
    assert answer.status_code == 303
    assert set(await memberships(make, organization)) == {second.email}
    assert (await browser.get("/organization")).status_code == 403
    assert (await browser.get("/account")).status_code == 200
    assert owner.email not in await memberships(make, organization)


async def test_a_removed_person_is_out_at_once_and_others_cannot_remove(
    make: Factory, browser_of: BrowserOf
) -> None:
    organization, _owner, browser = await owner_browser(make, browser_of)
    editor = await make.member(organization, MembershipRole.EDITOR)
    viewer = await make.member(organization, MembershipRole.VIEWER)
    membership = {
        item.person_id: item.id
        for item in await make.session.scalars(
            select(Membership).where(Membership.organization_id == organization.id)
        )
    }
    theirs = await browser_of(editor, organization)
    assert (await theirs.submit(f"/organization/people/{membership[viewer.id]}/remove")).status_code == 403
    assert (await browser.submit(f"/organization/people/{membership[editor.id]}/remove")).status_code == 303
    assert (await theirs.get("/organization")).status_code == 401
    other = await make.organization()
    outsider = await browser_of(await make.member(other), other)
    assert (await outsider.submit(f"/organization/people/{membership[viewer.id]}/remove")).status_code == 404


async def test_two_owners_who_leave_at_once_leave_one_behind(make: Factory, process: Process) -> None:
    organization = await make.organization()
    owners = [await make.member(organization), await make.member(organization)]
    rows = {item.person_id: item.id for item in await make.session.scalars(select(Membership))}

    async def leave(person: Person) -> bool:
        actor = Actor(
            person_id=person.id, name=person.name, organization_id=organization.id, organization_role="owner"
        )
        try:
            async with process.transaction() as session:
                await people.remove_person(session, actor, rows[person.id])
        except ConflictError:
            return False
        return True

    assert sorted(await asyncio.gather(*(leave(owner) for owner in owners))) == [False, True]
    assert len(await memberships(make, organization)) == 1


async def test_two_acceptances_at_once_make_one_membership(make: Factory, process: Process) -> None:
    organization = await make.organization()
    owner = await make.member(organization)
    person = await make.person()
    acting = Actor(
        person_id=owner.id, name=owner.name, organization_id=organization.id, organization_role="owner"
    )
    async with process.transaction() as session:
        token = await people.invite_person(
            session,
            process.settings,
            acting,
            organization.id,
            people.InvitationFacts(email=person.email, role=MembershipRole.EDITOR),
        )

    async def accept() -> bool:
        actor = Actor(person_id=person.id, name=person.name, email=person.email)
        try:
            async with process.transaction() as session:
                await people.accept_invitation(session, actor, token)
        except DomainError:
            return False
        return True

    assert sorted(await asyncio.gather(accept(), accept())) == [False, True]
    assert len(await memberships(make, organization)) == 2


async def test_the_use_case_itself_refuses_who_is_no_owner(make: Factory, process: Process) -> None:
    organization = await make.organization()
    editor = await make.member(organization, MembershipRole.EDITOR)
    actor = Actor(
        person_id=editor.id, name=editor.name, organization_id=organization.id, organization_role="editor"
    )
    with pytest.raises(ForbiddenError):
        async with process.transaction() as session:
            await people.invite_person(
                session,
                process.settings,
                actor,
                organization.id,
                people.InvitationFacts(email="x@example.com", role=MembershipRole.OWNER),
            )
