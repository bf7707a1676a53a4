"""Authenticated encryption of what is sealed, with keys that wrap each other (envelope encryption).

The deployment's key, derived from a setting, wraps one key per program; that wraps one key per challenge; that seals
contents. `context` binds a sealed value to its place: put anywhere else it does not open.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.settings import Settings

# AES-256-GCM with nonces of 96 bits, as NIST SP 800-38D recommends for random ones.
KEY_BYTES = 32
NONCE_BYTES = 12
# Leads every sealed value, so that another method can follow.
METHOD = b"\x01"


class SealBrokenError(Exception):
    """A sealed value was changed, moved, or sealed with another key."""


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def deployment_key(settings: Settings) -> bytes:
    """32 bytes of SEALING_KEY, or of SECRET_KEY where that is not set (HKDF, RFC 5869)."""
    secret = (settings.sealing_key or settings.secret_key).encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"jiebang sealed bids").derive(secret)


def seal(key: bytes, content: bytes, context: str) -> bytes:
    """Encrypt under a key of 32 bytes.

    >>> key = new_key()
    >>> unseal(key, seal(key, b"plan", "bid 1"), "bid 1")
    b'plan'
    """
    nonce = os.urandom(NONCE_BYTES)
    return METHOD + nonce + AESGCM(key).encrypt(nonce, content, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """The content; raises SealBrokenError where key, context or a single bit is another."""
    start = len(METHOD)
    if sealed[:start] != METHOD:
        raise SealBrokenError("sealed by an unknown method")
    try:
        return AESGCM(key).decrypt(
            sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :], context.encode()
        )
    except InvalidTag:
        raise SealBrokenError(f"the seal of {context} is broken, or its key is another") from None
