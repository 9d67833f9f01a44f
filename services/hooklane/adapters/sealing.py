"""Secrets and custom headers sealed at rest and on topics: AES-256-GCM, the key's id beside it.

A compacted topic never forgets a plain secret, so none is ever written. What is sealed is bound to
its endpoint (the id is authenticated with it): moved to another endpoint it does not open.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hooklane.domain.endpoint import SealedHeaders, SealedSecret
from hooklane.domain.errors import BrokenContract, Invalid
from hooklane.domain.signature import secret_key

NONCE_BYTES = 12


class Sealed(NamedTuple):
    """Sealed bytes (nonce, then ciphertext) and the id of the key that sealed them."""

    key_id: str
    sealed: bytes


def seal(key: bytes, plain: bytes, *, context: bytes) -> bytes:
    """Encrypt under a fresh nonce; `context` is authenticated with it and not stored."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, *, context: bytes) -> bytes:
    """Decrypt what `seal` gave.

    Raises:
        BrokenContract: other key, other context, or the bytes were changed.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise BrokenContract("sealed bytes do not open with this key and endpoint") from None


class Sealer:
    """Seals with the first key, unseals with any of them.

    Args:
        keys: `SealingSettings.by_id()`: 32-byte keys by id, the sealing one first.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Keep the keys."""
        assert keys, "no sealing key"
        self._keys = dict(keys)
        self._newest = next(iter(self._keys))

    def seal(self, plain: bytes, *, endpoint_id: str) -> Sealed:
        """Seal bytes for one endpoint."""
        sealed = seal(self._keys[self._newest], plain, context=endpoint_id.encode())
        return Sealed(self._newest, sealed)

    def unseal(self, key_id: str, sealed: bytes, *, endpoint_id: str) -> bytes:
        """Open what was sealed for this endpoint.

        Raises:
            BrokenContract: the key is not among ours, or the bytes are not this endpoint's.
        """
        key = self._keys.get(key_id)
        if key is None:
            raise BrokenContract(f"sealing key {key_id!r} is not in HOOKLANE_SEALING_KEYS")
        return unseal(key, sealed, context=endpoint_id.encode())

    def seal_secret(
        self, secret: str, *, endpoint_id: str, valid_until: datetime | None = None
    ) -> SealedSecret:
        """Seal a written secret (`whsec_…`)."""
        key_id, sealed = self.seal(secret.encode(), endpoint_id=endpoint_id)
        return SealedSecret(key_id=key_id, sealed=sealed, valid_until=valid_until)

    def secret(self, secret: SealedSecret, *, endpoint_id: str) -> str:
        """Open a secret to its written form.

        Raises:
            BrokenContract: it does not open, or is no text.
        """
        plain = self.unseal(secret.key_id, secret.sealed, endpoint_id=endpoint_id)
        try:
            return plain.decode()
        except UnicodeDecodeError:
            raise BrokenContract("a sealed secret is no text") from None

    def signing_key(self, secret: SealedSecret, *, endpoint_id: str) -> bytes:
        """Open a secret to its HMAC key.

        Raises:
            BrokenContract: it does not open, or is no secret.
        """
        try:
            return secret_key(self.secret(secret, endpoint_id=endpoint_id))
        except Invalid as error:
            raise BrokenContract(f"sealed secret: {error.detail}") from None

    def seal_headers(self, headers: Mapping[str, str], *, endpoint_id: str) -> SealedHeaders:
        """Seal custom headers as one JSON object."""
        key_id, sealed = self.seal(orjson.dumps(dict(headers)), endpoint_id=endpoint_id)
        return SealedHeaders(key_id=key_id, sealed=sealed)

    def headers(self, headers: SealedHeaders | None, *, endpoint_id: str) -> dict[str, str]:
        """Open custom headers; none are an empty mapping.

        Raises:
            BrokenContract: they do not open, or are no object of texts.
        """
        if headers is None:
            return {}
        plain = self.unseal(headers.key_id, headers.sealed, endpoint_id=endpoint_id)
        try:
            found = orjson.loads(plain)
        except orjson.JSONDecodeError:
            raise BrokenContract("sealed headers are no JSON") from None
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise BrokenContract("sealed headers are no object of texts")
        return found
