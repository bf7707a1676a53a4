"""Files sealed while they stream: AES-256-GCM in chunks, so that none is held in memory whole.

After `METHOD` and a random salt come chunks of 1 MiB, each sealed under a key of the file's own (HKDF of key, salt and
context), with a nonce of the chunk's number and a mark on the last one (the construction STREAM of Hoang, Reyhanitabar,
Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015). So a chunk that is
missing, added, exchanged or taken from another file does not open, nor does a file that was cut at a chunk's end.
"""

import os
from collections.abc import AsyncIterable, AsyncIterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.sealing import KEY_BYTES, SealBrokenError, unseal
from core.sealing import METHOD as WHOLE

METHOD = b"\x02"
SALT_BYTES = 16
CHUNK_BYTES = 2**20
TAG_BYTES = 16


def _cipher(key: bytes, salt: bytes, context: str) -> AESGCM:
    info = b"jiebang sealed file " + context.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


async def seal_stream(key: bytes, chunks: AsyncIterable[bytes], context: str) -> AsyncIterator[bytes]:
    """Encrypt what comes, in chunks of whatever size."""
    salt = os.urandom(SALT_BYTES)
    cipher, number = _cipher(key, salt, context), 0
    yield METHOD + salt
    async for piece, is_last in _pieces(chunks, CHUNK_BYTES, b""):
        yield cipher.encrypt(_nonce(number, is_last), piece, None)
        number += 1


async def unseal_stream(key: bytes, chunks: AsyncIterable[bytes], context: str) -> AsyncIterator[bytes]:
    """The content; SealBrokenError where key, context or a single bit is another. Reads files sealed whole, too."""
    rest, iterator = b"", aiter(chunks)
    while len(rest) < len(METHOD) + SALT_BYTES and (more := await anext(iterator, None)) is not None:
        rest += more
    if rest[:1] == WHOLE:
        async for more in iterator:
            rest += more
        yield unseal(key, rest, context)
        return
    if rest[:1] != METHOD:
        raise SealBrokenError("sealed by an unknown method")
    head = len(METHOD) + SALT_BYTES
    cipher, number = _cipher(key, rest[len(METHOD) : head], context), 0
    async for piece, is_last in _pieces(iterator, CHUNK_BYTES + TAG_BYTES, rest[head:]):
        try:
            yield cipher.decrypt(_nonce(number, is_last), piece, None)
        except (InvalidTag, ValueError):
            raise SealBrokenError(f"the seal of {context} is broken, or its key is another") from None
        number += 1


async def _pieces(chunks: AsyncIterable[bytes], size: int, begun: bytes) -> AsyncIterator[tuple[bytes, bool]]:
    """Pieces of exactly `size` bytes; the last one, which is told, may be shorter."""
    waiting = bytearray(begun)
    async for chunk in chunks:
        waiting += chunk
        # A piece that fills up exactly may be the last one.
        while len(waiting) > size:
            yield bytes(waiting[:size]), False
            del waiting[:size]
    while len(waiting) > size:
        yield bytes(waiting[:size]), False
        del waiting[:size]
    yield bytes(waiting), True
