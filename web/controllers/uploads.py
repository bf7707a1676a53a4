"""Uploads in pieces, for scripts alone: begin, send piece by piece, ask where it stands, finish or give up.

A form that sends its file whole works as well, without any of this. What a target asks of its files stands in
web/upload_targets.py.
"""

import uuid
from typing import Any

from litestar import Controller, Response, get, post

from core.attachments import FileRules
from core.errors import InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.uploads import (
    PIECE_BYTES,
    Upload,
    WrongOffsetError,
    begin_upload,
    content_of_upload,
    drop_upload,
    own_upload,
    take_piece,
)
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.requests import form_data
from web.upload_targets import TARGETS, UploadTarget

# A piece, and what its request needs besides.
PIECE_BODY_LIMIT = PIECE_BYTES + 2**16


class UploadController(Controller):
    @post("/uploads", opt={"access": Access.EDITOR}, status_code=201)
    async def begin(
        self, request: WebRequest, session: DbSession, settings: Config, actor: Acting
    ) -> Response[dict[str, Any]]:
        data = await form_data(request)
        subject_type, subject_id = data.get("subject_type"), _uuid(data.get("subject_id"))
        size = data.get("size")
        try:
            rules = await _rules(session, actor, subject_type, subject_id)
            upload = await begin_upload(
                session,
                settings,
                actor,
                subject_type=subject_type,
                subject_id=subject_id,
                size_bytes=int(size) if size.isascii() and size.isdigit() and len(size) < 16 else 0,
                max_mb=rules.max_mb,
            )
        except InvalidError as error:
            return _refused(error)
        return _state(upload, status=201)

    @get("/uploads/{upload_id:uuid}", opt={"access": Access.EDITOR})
    async def state(
        self, session: DbSession, actor: Acting, upload_id: FromPath[uuid.UUID]
    ) -> Response[dict[str, Any]]:
        return _state(await own_upload(session, actor, upload_id))

    @post(
        "/uploads/{upload_id:uuid}/pieces",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=PIECE_BODY_LIMIT,
    )
    async def piece(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        upload_id: FromPath[uuid.UUID],
        offset: FromQuery[int] = 0,
    ) -> Response[dict[str, Any]]:
        body = await request.body()
        upload = await own_upload(session, actor, upload_id, lock=True)
        try:
            rules = await _rules(session, actor, upload.subject_type, upload.subject_id)
            await take_piece(session, settings, upload, offset=offset, piece=body, key=rules.key)
        except WrongOffsetError as error:
            return Response({"message": str(error.message), **error.details}, status_code=409)
        except InvalidError as error:
            return _refused(error)
        return _state(upload)

    @post("/uploads/{upload_id:uuid}/finish", opt={"access": Access.EDITOR}, status_code=200)
    async def finish(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        upload_id: FromPath[uuid.UUID],
    ) -> Response[dict[str, Any]]:
        """Hand the whole file to its target; where it is refused the upload is over, too.

        What comes with a form is handed over by the form.
        """
        name = (await form_data(request)).get("name")
        upload = await own_upload(session, actor, upload_id, lock=True)
        rules = await _rules(session, actor, upload.subject_type, upload.subject_id)
        content = await content_of_upload(settings, upload, rules.key)
        add = _target(upload.subject_type).add
        if add is None:
            raise NotFoundError(_("There is nothing at this address."))
        try:
            async with session.begin_nested():
                target = await add(session, settings, actor, upload.subject_id, name, content)
        except InvalidError as error:
            await drop_upload(session, settings, upload)
            return _refused(error)
        await drop_upload(session, settings, upload)
        return Response({"location": target}, headers={"cache-control": "no-store"})

    @post("/uploads/{upload_id:uuid}/cancel", opt={"access": Access.EDITOR}, status_code=200)
    async def cancel(
        self, session: DbSession, settings: Config, actor: Acting, upload_id: FromPath[uuid.UUID]
    ) -> Response[dict[str, Any]]:
        await drop_upload(session, settings, await own_upload(session, actor, upload_id, lock=True))
        return Response({})


def _target(name: str) -> UploadTarget:
    if name not in TARGETS:
        raise NotFoundError(_("There is nothing at this address."))
    return TARGETS[name]


async def _rules(session: DbSession, actor: Acting, name: str, target_id: uuid.UUID) -> FileRules:
    """What holds for files of that target; raises where this person may add none now."""
    return await _target(name).rules(session, actor, target_id)


def _state(upload: Upload, status: int = 200) -> Response[dict[str, Any]]:
    return Response(
        {
            "id": str(upload.id),
            "offset": upload.received_bytes,
            "size": upload.size_bytes,
            "piece_bytes": PIECE_BYTES,
        },
        status_code=status,
        headers={"cache-control": "no-store"},
    )


def _refused(error: InvalidError) -> Response[dict[str, Any]]:
    message = error.errors.get("file") or next(iter(error.errors.values()))
    return Response({"message": str(message)}, status_code=422)


def _uuid(raw: str) -> uuid.UUID:
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise NotFoundError(_("There is nothing at this address.")) from None
