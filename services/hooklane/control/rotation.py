"""How an endpoint's secrets follow one another: the newest signs, older ones beside it for a while.

A receiver changes to the new one within the overlap. Whoever must stop an old secret at once, since
somebody else has it, rotates with an overlap of nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hooklane.domain.endpoint import Endpoint, SealedSecret
from hooklane.domain.errors import Conflict

SECRETS_MAX = 10


def with_newest(
    endpoint: Endpoint, newest: SealedSecret, *, overlap: timedelta, now: datetime
) -> tuple[SealedSecret, ...]:
    """Put a secret before the others, which end after the overlap at the latest.

    Raises:
        Conflict: too many would sign at once.
    """
    until = now + overlap
    older = (
        replace(old, valid_until=min(until, old.valid_until or until)) for old in endpoint.secrets
    )
    found = (newest, *(old for old in older if _signs(old, now)))
    if len(found) > SECRETS_MAX:
        first = min(old.valid_until for old in found if old.valid_until is not None)
        raise Conflict(
            f"secret: {SECRETS_MAX} of endpoint {endpoint.endpoint_id} sign already; the first "
            f"ends at {first.isoformat(timespec='seconds')}, or rotate with overlap_s 0"
        )
    return found


def drop_ended(endpoint: Endpoint, *, now: datetime) -> Endpoint:
    """Take out the secrets that are past their overlap."""
    secrets = tuple(secret for secret in endpoint.secrets if _signs(secret, now))
    return endpoint if secrets == endpoint.secrets else replace(endpoint, secrets=secrets)


def _signs(secret: SealedSecret, now: datetime) -> bool:
    return secret.valid_until is None or secret.valid_until > now
