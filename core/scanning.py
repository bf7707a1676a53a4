"""Looking for viruses with ClamAV's daemon (clamd), by its command INSTREAM, while a file passes by.

A scanner that does not answer refuses the file: what was not looked at is not kept.
"""

import asyncio
import logging
from types import TracebackType
from typing import Self

from core.errors import InvalidError
from core.i18n import lazy_gettext as _

logger = logging.getLogger(__name__)

# How long the scanner may take to accept a piece, and to answer at the end: large archives are unpacked.
SECONDS_TO_TAKE, SECONDS_TO_ANSWER = 10, 60
UNAVAILABLE = _("The virus scanner does not answer, so the file was not accepted. Please try again later.")
TOO_LARGE = _("The file is too large for the virus scanner, so it was not accepted.")


class Scan:
    """One file passing by: `take` each chunk, then ask for the `verdict`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        # What clamd has said before the end: it stops listening to what is too large.
        self._broken = False

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(SECONDS_TO_TAKE):
                self._reader, self._writer = await self._connect()
                self._writer.write(b"zINSTREAM\0")
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            logger.warning("no virus scanner at %s: %s", self._address, error)
            raise InvalidError({"file": UNAVAILABLE}) from None
        return self

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith("/"):
            return await asyncio.open_unix_connection(self._address)
        host, _separator, port = self._address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    async def take(self, chunk: bytes) -> None:
        assert self._writer is not None
        if self._broken:
            return
        try:
            async with asyncio.timeout(SECONDS_TO_TAKE):
                self._writer.write(len(chunk).to_bytes(4, "big") + chunk)
                await self._writer.drain()
        except TimeoutError:
            raise InvalidError({"file": UNAVAILABLE}) from None
        except OSError:
            # It has closed its ear; what it said is read at the end.
            self._broken = True

    async def verdict(self) -> None:
        """Raises InvalidError on `file` for what is infected, and where there is no answer."""
        assert self._reader is not None
        assert self._writer is not None
        answer = b""
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                if not self._broken:
                    self._writer.write(bytes(4))
                    await self._writer.drain()
                answer = await self._reader.read(4096)
        except (OSError, TimeoutError) as error:
            logger.warning("the virus scanner at %s gave up: %s", self._address, error)
        said = answer.decode(errors="replace").strip("\0\r\n ")
        if said.endswith(" FOUND"):
            name = said.partition(":")[2].removesuffix(" FOUND").strip()
            logger.warning("an upload was refused by the virus scanner: %s", name)
            raise InvalidError(
                {
                    "file": _(
                        "The virus scanner found %(name)s in this file, so it was not accepted.", name=name
                    )
                }
            )
        if "size limit exceeded" in said:
            raise InvalidError({"file": TOO_LARGE})
        if not said.endswith("OK"):
            logger.warning("the virus scanner at %s answered %r", self._address, said)
            raise InvalidError({"file": UNAVAILABLE})

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
