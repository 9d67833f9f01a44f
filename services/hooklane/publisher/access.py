"""Who may publish, and for whom."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from hooklane.adapters.problems import Forbidden, Unauthenticated
from hooklane.domain.errors import Invalid
from hooklane.publisher.settings import ApiKey

_SCHEME = "bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose key it is; `tenant` None publishes for every one."""

    tenant: str | None

    def tenant_of(self, named: str | None) -> str:
        """Say on whose behalf an event is.

        Raises:
            Invalid: the key is no tenant's, and the event names none.
            Forbidden: the key is another tenant's.
        """
        if self.tenant is None:
            if named is None:
                raise Invalid("tenant: is missing; this key publishes for every one")
            return named
        if named not in (None, self.tenant):
            raise Forbidden(f"tenant: this key publishes for {self.tenant} alone")
        return self.tenant


class Keys:
    """All keys; a sent one is compared with each of them in constant time."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        """Keep their digests, so that lengths tell nothing."""
        self._known = [
            (_digest(one.key.get_secret_value()), Caller(tenant=one.tenant)) for one in keys
        ]

    def caller(self, authorization: str | None) -> Caller:
        """Say who sent an Authorization header.

        Raises:
            Unauthenticated: there is none, or its key is not known.
        """
        scheme, _, key = (authorization or "").partition(" ")
        sent, found = _digest(key.strip()), None
        for known, caller in self._known:
            if hmac.compare_digest(sent, known):
                found = caller
        if found is None or scheme.lower() != _SCHEME:
            raise Unauthenticated("send a publisher's API key as Authorization: Bearer …")
        return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()
