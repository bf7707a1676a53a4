"""What a request carries besides its route: client address, safe return paths, form data for WTForms."""

import re
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import FormMultiDict, UploadFile

from core.attachments import Content
from core.clock import from_shanghai, utc_now
from core.settings import Settings

# Ceiling of an upload's body by form, whatever MAX_UPLOAD_MB says: the form token is read from the body, so all of it is
# on this machine's disk once before anything is checked. Uploads in pieces have no such ceiling.
UPLOAD_BODY_LIMIT = 64 * 2**20
READ_BYTES = 2**20
UNSAFE_IN_PATH = re.compile(r"[\x00-\x1f\x7f\\]")
# Where the request's moment is kept in its scope.
MOMENT = "moment"


def moment_of(request: Request[Any, Any, Any]) -> datetime:
    """The database's clock as the request's transaction began; the host's, where nothing is read from the database."""
    return request.scope["state"].get(MOMENT) or utc_now()


class UploadedChunks:
    """The content of a form's file, read from where the form's parser has put it; may be read again."""

    def __init__(self, file: UploadFile) -> None:
        self._file = file

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        await self._file.seek(0)
        while chunk := await self._file.read(READ_BYTES):
            yield chunk


@dataclass(frozen=True)
class Upload:
    name: str
    content: Content


class FormData:
    """Litestar's form data with the two methods WTForms asks for.

    Without NUL characters: PostgreSQL keeps none in texts, and nobody types one.
    """

    def __init__(self, data: FormMultiDict) -> None:
        self._data = data

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def getlist(self, name: str) -> list[Any]:
        values = self._data.getall(name, [])
        return [value.replace("\0", "") if isinstance(value, str) else value for value in values]

    def get(self, name: str, default: str = "") -> str:
        value = self._data.get(name, default)
        return value.replace("\0", "") if isinstance(value, str) else default


def as_uuid(text: str) -> uuid.UUID | None:
    """An id that was typed or chosen; None for what is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def as_moment(text: str) -> datetime | None:
    """A wall-clock time of Asia/Shanghai from a `datetime-local` input; None for what is none."""
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return from_shanghai(typed) if typed.tzinfo is None and 2000 <= typed.year <= 2100 else None


async def form_data(request: Request[Any, Any, Any]) -> FormData:
    return FormData(await request.form())


async def uploaded_file(request: Request[Any, Any, Any], field: str = "file") -> Upload:
    """The file of a form's field; an empty one when none was chosen."""
    value = (await request.form()).get(field)
    if not isinstance(value, UploadFile):
        return Upload("", b"")
    return Upload(value.filename, UploadedChunks(value))


async def bytes_of(upload: Upload, most_bytes: int) -> bytes | None:
    """A whole small file; None for one of more than `most_bytes`."""
    if isinstance(upload.content, bytes):
        return upload.content if len(upload.content) <= most_bytes else None
    read = bytearray()
    async for chunk in upload.content:
        read += chunk
        if len(read) > most_bytes:
            return None
    return bytes(read)


async def uploaded_files(request: Request[Any, Any, Any], field: str = "file") -> list[Upload]:
    """All files of a form's field."""
    values = (await request.form()).getall(field, [])
    return [Upload(item.filename, UploadedChunks(item)) for item in values if isinstance(item, UploadFile)]


def client_address(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> str:
    """The address of the person's machine. X-Forwarded-For is believed from TRUSTED_PROXIES alone."""
    peer = _parsed(connection.client.host if connection.client else "")
    if peer is None:
        return connection.client.host if connection.client else ""
    # A proxy may add a header of its own behind the one that the client made up: all of them are one list.
    hops = ",".join(connection.headers.getall("x-forwarded-for", [])).split(",")
    client = peer
    # From the nearest hop outwards: each was written by the one before it, and is as good as that one's word.
    while hops and any(client in network for network in settings.trusted_networks):
        hop = _parsed(hops.pop().strip())
        if hop is None:
            break
        client = hop
    return str(client)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address; one of IPv4 that comes through a socket of IPv6 is still one of IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def safe_path(target: str | None, default: str = "/") -> str:
    """A path on this site, or the default: never an address elsewhere (open redirect)."""
    # Browsers take a backslash for a slash and skip tabs and line breaks, so "/\t\\host" leads away as "//host" does.
    if not target or not target.startswith("/") or target.startswith("//") or UNSAFE_IN_PATH.search(target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target
