"""What a request carries besides its route: client address, safe return paths, form data for WTForms."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import FormMultiDict, UploadFile

from core.settings import Settings

# Ceiling of an upload's body, whatever MAX_UPLOAD_MB says: the form token is read from the body, so all of it is
# held in memory once.
UPLOAD_BODY_LIMIT = 64 * 2**20


@dataclass(frozen=True)
class Upload:
    name: str
    content: bytes


class FormData:
    """Litestar's form data with the two methods WTForms asks for."""

    def __init__(self, data: FormMultiDict) -> None:
        self._data = data

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def getlist(self, name: str) -> list[Any]:
        return self._data.getall(name, [])

    def get(self, name: str, default: str = "") -> str:
        value = self._data.get(name, default)
        return value if isinstance(value, str) else default


async def form_data(request: Request[Any, Any, Any]) -> FormData:
    return FormData(await request.form())


async def uploaded_file(request: Request[Any, Any, Any], field: str = "file") -> Upload:
    """The file of a form's field; an empty one when none was chosen."""
    value = (await request.form()).get(field)
    if not isinstance(value, UploadFile):
        return Upload("", b"")
    return Upload(value.filename, await value.read())


def client_address(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> str:
    """The address of the person's machine. X-Forwarded-For is believed from TRUSTED_PROXIES alone."""
    peer = connection.client.host if connection.client else ""
    trusted = [
        ip_network(item.strip(), strict=False) for item in settings.trusted_proxies.split(",") if item.strip()
    ]

    def is_trusted(address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in trusted)
        except ValueError:
            return False

    if not is_trusted(peer):
        return peer
    hops = [hop.strip() for hop in connection.headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    # From the nearest hop outwards: the first that is no proxy of ours is the client.
    for hop in reversed(hops):
        if not is_trusted(hop):
            return hop
    return peer


def safe_path(target: str | None, default: str = "/") -> str:
    """A path on this site, or the default: never an address elsewhere (open redirect)."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target
