"""Use cases of accounts: creating people, logging in and out, resetting passwords."""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.accounts import queries
from core.accounts.models import Login, LoginAttempt, PasswordReset, Person, PersonRole, PlatformRole
from core.accounts.passwords import NO_PASSWORD, hash_password, needs_rehash, password_matches
from core.actor import Actor
from core.database import database_time
from core.errors import ForbiddenError, InvalidError, NotFoundError, ThrottledError
from core.i18n import gettext, use_locale
from core.i18n import lazy_gettext as _
from core.mail import send_mail
from core.notifications.listening import wake_streams
from core.settings import Settings

THROTTLE_WINDOW = timedelta(minutes=15)
RESET_LIFETIME = timedelta(hours=2)
# Enough for who overlooked the first mail, too few to fill somebody's mailbox.
RESETS_PER_WINDOW = 3
# Written at most this often, so that reading pages does not write a row each time.
SEEN_EVERY = timedelta(minutes=5)


def token_hash(token: str) -> bytes:
    """What the database keeps of a secret link or cookie: a thief of the table cannot use it."""
    return hashlib.sha256(token.encode()).digest()


async def create_person(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    password: str | None,
    phone: str = "",
    locale: str = "zh_CN",
    roles: frozenset[PlatformRole] = frozenset(),
) -> Person:
    """Create an account; raises InvalidError on field `email` when the address is taken.

    Without a password nobody can log in until the owner has chosen one by a mailed link.
    """
    email = email.strip().lower()
    if await queries.person_by_email(session, email) is not None:
        raise InvalidError({"email": _("There is already an account with this address. Log in instead.")})
    person = Person(
        email=email,
        name=name.strip(),
        phone=phone.strip(),
        locale=locale,
        password_hash=NO_PASSWORD if password is None else hash_password(password),
        roles=[PersonRole(role=role) for role in sorted(roles)],
    )
    session.add(person)
    await session.flush()
    return person


async def authenticate(
    session: AsyncSession, settings: Settings, *, email: str, password: str, address: str
) -> Person | None:
    """The person these credentials belong to, or None. Every failure counts towards the throttle.

    Raises ThrottledError when account or address has failed too often within THROTTLE_WINDOW.
    """
    email = email.strip().lower()
    since = await database_time(session) - THROTTLE_WINDOW
    if (
        await queries.failed_attempts(session, since, email=email) >= settings.login_attempts_per_account
        or await queries.failed_attempts(session, since, address=address)
        >= settings.login_attempts_per_address
    ):
        raise ThrottledError(
            _("Too many failed attempts. Wait a quarter of an hour, or reset your password.")
        )
    person = await queries.person_by_email(session, email)
    matches = password_matches(person.password_hash if person else None, password)
    if person is None or not matches or person.is_disabled:
        session.add(LoginAttempt(email=email[:254], address=address))
        return None
    if needs_rehash(person.password_hash):
        person.password_hash = hash_password(password)
    await session.execute(delete(LoginAttempt).where(LoginAttempt.email == email))
    return person


async def open_login(
    session: AsyncSession,
    settings: Settings,
    person: Person,
    *,
    organization_id: uuid.UUID | None,
    address: str,
    user_agent: str,
) -> str:
    """Start a server-side session under a new random token, which is returned for the cookie."""
    token = secrets.token_urlsafe(32)
    now = await database_time(session)
    session.add(
        Login(
            token_hash=token_hash(token),
            person_id=person.id,
            organization_id=organization_id,
            last_seen_at=now,
            expires_at=now + timedelta(days=settings.session_days),
            address=address,
            user_agent=user_agent[:300],
        )
    )
    await session.flush()
    return token


def touch_login(settings: Settings, login: Login, now: datetime) -> None:
    if now - login.last_seen_at > SEEN_EVERY:
        login.last_seen_at = now
        login.expires_at = now + timedelta(days=settings.session_days)


async def close_login(session: AsyncSession, login_id: uuid.UUID) -> None:
    await _close_logins(session, Login.id == login_id)


async def close_all_logins(session: AsyncSession, person_id: uuid.UUID) -> None:
    await _close_logins(session, Login.person_id == person_id)


async def close_logins_acting_for(
    session: AsyncSession, person_id: uuid.UUID, organization_id: uuid.UUID
) -> None:
    """End a person's logins for one organization, because their rights there have changed."""
    await _close_logins(session, Login.person_id == person_id, Login.organization_id == organization_id)


async def _close_logins(session: AsyncSession, *conditions: ColumnElement[bool]) -> None:
    closed = await session.scalars(delete(Login).where(*conditions).returning(Login.person_id))
    # Their open streams end as soon as they look.
    for person_id in set(closed):
        await wake_streams(session, person_id)


async def request_password_reset(session: AsyncSession, settings: Settings, email: str) -> None:
    """Mail a reset link if the account exists; says nothing either way."""
    person = await queries.person_by_email(session, email)
    if person is None or person.is_disabled:
        return
    now = await database_time(session)
    if await queries.resets_since(session, person.id, now - THROTTLE_WINDOW) >= RESETS_PER_WINDOW:
        return
    token = secrets.token_urlsafe(32)
    session.add(
        PasswordReset(token_hash=token_hash(token), person_id=person.id, expires_at=now + RESET_LIFETIME)
    )
    with use_locale(person.locale):
        await send_mail(
            session,
            recipient=person.email,
            subject=gettext("Reset your password"),
            body=gettext(
                "Hello %(name)s,\n\nsomebody asked to reset the password of your account. To choose a new one, open"
                " this link within two hours:\n\n%(link)s\n\nIf it was not you, nothing needs to be done.",
                name=person.name,
                link=f"{settings.public_url}/reset-password/{token}",
            ),
        )


async def reset_password(session: AsyncSession, token: str, password: str) -> Person:
    """Set a new password by a mailed token; ends every login of the account."""
    reset = await queries.usable_reset(session, token_hash(token), await database_time(session))
    if reset is None:
        raise NotFoundError(_("This link has expired or was already used. Ask for a new one."))
    person = await queries.person_by_id(session, reset.person_id)
    assert person is not None
    person.password_hash = hash_password(password)
    await _use_up_resets(session, person.id)
    await close_all_logins(session, person.id)
    await session.execute(delete(LoginAttempt).where(LoginAttempt.email == person.email))
    await audit.record(
        session, Actor(person_id=person.id, name=person.name), "person.password_reset", "person", person.id
    )
    return person


async def _use_up_resets(session: AsyncSession, person_id: uuid.UUID) -> None:
    """A new password ends every link that was mailed for the old one."""
    await session.execute(
        update(PasswordReset)
        .where(PasswordReset.person_id == person_id, PasswordReset.used_at.is_(None))
        .values(used_at=await database_time(session))
    )


async def change_password(session: AsyncSession, actor: Actor, *, current: str, new: str) -> Person:
    """Change one's own password; raises InvalidError on `current`. Ends every login: the caller opens a new one."""
    assert actor.person_id is not None
    person = await queries.person_by_id(session, actor.person_id)
    assert person is not None
    if not password_matches(person.password_hash, current):
        raise InvalidError({"current": _("This is not your present password.")})
    person.password_hash = hash_password(new)
    await _use_up_resets(session, person.id)
    await close_all_logins(session, person.id)
    await audit.record(session, actor, "person.password_changed", "person", person.id)
    return person


async def set_roles(
    session: AsyncSession,
    actor: Actor,
    person_id: uuid.UUID,
    roles: frozenset[PlatformRole],
    *,
    disabled: bool,
) -> Person:
    """Change a person's platform roles or disable them; ends their logins, since their rights have changed."""
    if not actor.is_administrator:
        raise ForbiddenError(_("Only administrators manage accounts."))
    person = await queries.person_by_id(session, person_id)
    if person is None:
        raise NotFoundError(_("There is no such person."))
    if person.id == actor.person_id and (disabled or PlatformRole.ADMINISTRATOR not in roles):
        raise InvalidError({"roles": _("You cannot take your own administrator role or disable yourself.")})
    before = sorted(item.role.value for item in person.roles)
    person.roles = [item for item in person.roles if item.role in roles]
    kept = {item.role for item in person.roles}
    person.roles.extend(PersonRole(role=role) for role in sorted(roles - kept))
    was_disabled, person.is_disabled = person.is_disabled, disabled
    await close_all_logins(session, person.id)
    await audit.record(
        session,
        actor,
        "person.roles_changed",
        "person",
        person.id,
        {"roles": [before, sorted(roles)], "is_disabled": [was_disabled, disabled]},
    )
    return person


async def set_locale_preference(session: AsyncSession, actor: Actor, locale: str) -> None:
    await session.execute(update(Person).where(Person.id == actor.person_id).values(locale=locale))
