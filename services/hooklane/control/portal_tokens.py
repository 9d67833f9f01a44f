"""Short-lived tokens by which a tenant's own people use the API, in a page that we don't host.

A token is its grant, sealed (AES-GCM) under the deployment's sealing keys for this purpose alone:
nobody can read or change one, any replica opens it, nothing is kept of it. It ends by itself.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson

from hooklane.adapters.problems import Unauthenticated
from hooklane.control.access import Caller
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.errors import BrokenContract

PREFIX = "hlp_"
# What is sealed for an endpoint has its id here, which begins with `ep_`.
PURPOSE = "portal token"
TOKEN_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token opens, and until when."""

    tenant: str
    endpoint_id: str | None
    may_write: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalTokens:
    """Writes tokens and reads them.

    Args:
        seal: gives the sealing key's id and the sealed bytes, bound to a purpose.
        unseal: opens them; raises BrokenContract where they are not what was sealed for it.
    """

    seal: Callable[[bytes, str], tuple[str, bytes]]
    unseal: Callable[[str, bytes, str], bytes]

    def write(self, grant: Grant) -> str:
        """Write a token."""
        plain = {
            "tenant": grant.tenant,
            "endpoint_id": grant.endpoint_id,
            "may_write": grant.may_write,
            "expires_at": to_ms(grant.expires_at),
        }
        key_id, sealed = self.seal(orjson.dumps(plain), PURPOSE)
        return f"{PREFIX}{_text(key_id.encode())}.{_text(sealed)}"

    def read(self, token: str, *, now: datetime) -> Caller:
        """Give whom a token makes its bearer.

        Raises:
            Unauthenticated: it is none of ours, was changed, or is past its end.
        """
        try:
            if len(token) > TOKEN_CHARACTERS_MAX:
                raise BrokenContract("too long")
            key_id, _, sealed = token.removeprefix(PREFIX).partition(".")
            plain = self.unseal(_bytes(key_id).decode(), _bytes(sealed), PURPOSE)
        except (BrokenContract, ValueError):
            raise Unauthenticated("the portal token is not one of ours") from None
        found = orjson.loads(plain)
        expires_at = from_ms(found["expires_at"])
        if now >= expires_at:
            raise Unauthenticated("the portal token has expired: ask for a new one")
        return Caller(
            name=f"portal token of {found['tenant']}",
            tenant=found["tenant"],
            endpoint_id=found["endpoint_id"],
            may_write=found["may_write"],
            expires_at=expires_at,
        )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    # The last character of a text has bits that decode to nothing, and decoders skip what is not
    # in their alphabet: a token is only what was written, not what reads like it.
    if _text(raw) != text:
        raise ValueError("not as it was written")
    return raw
