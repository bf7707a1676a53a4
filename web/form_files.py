"""Files that come with a form: within it, or sent before it in pieces (web/static/js/uploads.js)."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.attachments import Content
from core.errors import InvalidError, NotFoundError
from core.forms import BaseForm
from core.i18n import lazy_gettext as _
from core.settings import Settings
from core.uploads import Upload, content_of_upload, drop_upload, own_upload
from web.dependencies import WebRequest
from web.requests import as_uuid, form_data, uploaded_files

# The form's field that names an upload and its file, and the one that holds files themselves.
SENT, FILE = "upload", "file"


@dataclass(frozen=True)
class SentFile:
    """A whole file that waits for its form."""

    upload_id: uuid.UUID
    name: str

    @property
    def value(self) -> str:
        return f"{self.upload_id} {self.name}"


@dataclass(frozen=True)
class FilePart:
    """What a form's field for files shows: what is wrong with them, and those that need not be sent again."""

    error: str = ""
    sent: Sequence[SentFile] = ()


@asynccontextmanager
async def form_files(
    request: WebRequest,
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    target: str,
    target_id: uuid.UUID,
) -> AsyncIterator[list[tuple[str, Content]]]:
    """The form's files, as name and content, for a use case that runs inside, in a savepoint.

    Uploads that it takes are over. Where it refuses the files they are over, too; where it refuses anything else they
    wait for the form's next try. None of the targets of forms is sealed.
    """
    files: list[tuple[str, Content]] = [
        (item.name, item.content) for item in await uploaded_files(request, FILE) if item.name
    ]
    sent = await _sent_files(request)
    try:
        async with session.begin_nested():
            uploads = [await _whole(session, actor, item, target, target_id) for item in sent]
            for item, upload in zip(sent, uploads, strict=True):
                files.append((item.name, await content_of_upload(settings, upload, None)))
            yield files
            for upload in uploads:
                await drop_upload(session, settings, upload)
    except InvalidError as error:
        if FILE in error.errors:
            for item in sent:
                await _forget(session, settings, actor, item)
        raise


async def refused_files(request: WebRequest, form: BaseForm, error: InvalidError) -> FilePart:
    """Put the messages of a use case at the form's fields; answers with the part of its files."""
    form.add_errors({name: message for name, message in error.errors.items() if name != FILE})
    if FILE in error.errors:
        return FilePart(error=str(error.errors[FILE]))
    return await waiting_files(request)


async def waiting_files(request: WebRequest) -> FilePart:
    """The part of a form's files where the form itself was refused."""
    return FilePart(sent=await _sent_files(request))


async def _sent_files(request: WebRequest) -> list[SentFile]:
    found: list[SentFile] = []
    for value in (await form_data(request)).getlist(SENT):
        key, _space, name = value.partition(" ") if isinstance(value, str) else ("", "", "")
        if (upload_id := as_uuid(key)) is not None:
            found.append(SentFile(upload_id, name))
    return found


async def _whole(
    session: AsyncSession, actor: Actor, item: SentFile, target: str, target_id: uuid.UUID
) -> Upload:
    gone: dict[str, Any] = {FILE: _("A file that was sent is not there any more: choose it again.")}
    try:
        upload = await own_upload(session, actor, item.upload_id, lock=True)
    except NotFoundError:
        raise InvalidError(gone) from None
    is_for_this = (upload.subject_type, upload.subject_id) == (target, target_id)
    if not is_for_this or upload.received_bytes != upload.size_bytes:
        raise InvalidError(gone)
    return upload


async def _forget(session: AsyncSession, settings: Settings, actor: Actor, item: SentFile) -> None:
    try:
        upload = await own_upload(session, actor, item.upload_id, lock=True)
    except NotFoundError:
        return
    await drop_upload(session, settings, upload)
