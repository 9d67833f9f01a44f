"""Verify a webhook: was this body signed, just now, with a secret that I know?

Copy this file into your project: it needs the standard library alone. It reads the raw body and
three headers of Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`) and
returns the JSON body, or raises `VerificationFailed` with a reason. It promises that no
signature is compared in a time that depends on its content, that a request older or newer than
the tolerance is refused, and that during a rotation any one good secret suffices.

    event = Webhook("whsec_…").verify(request.body, request.headers)

Verify the bytes that came, before any parsing: a body parsed and written anew is another body.
Deliveries repeat: keep `webhook-id` and skip what you have done already.

An endpoint that asked for batches gets a JSON array of events in one signed request, also where it
is only one. Its `webhook-id` is the batch's; keep each event's own `id` instead, since what failed
comes again in other company. To have only some of them sent again, answer 207 and name them:

    results = []
    for event in Webhook("whsec_…").verify_batch(request.body, request.headers):
        results.append({"id": event["id"], "status": 200 if take(event) else 503})
    return 207, json.dumps({"results": results})
"""

import base64
import binascii
import enum
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

__all__ = ["TOLERANCE", "Reason", "VerificationFailed", "Webhook", "verify"]

TOLERANCE = timedelta(minutes=5)
SIGNATURES_MAX = 32  # a sender signs once a valid secret; more is not a rotation but a flood

Secret = str | bytes


class Reason(str, enum.Enum):  # noqa: UP042  receivers may run an older Python
    """Why a request is not to be trusted."""

    MISSING_HEADER = "missing_header"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    BAD_SIGNATURE = "bad_signature"
    NOT_JSON = "not_json"


class VerificationFailed(Exception):
    """A request that must be answered 400 or 401, and not be acted on."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class Webhook:
    """A verifier for one endpoint, by one secret or by several while they rotate."""

    def __init__(
        self, secrets: Secret | Iterable[Secret], *, tolerance: timedelta = TOLERANCE
    ) -> None:
        """Read the secrets.

        Args:
            secrets: `whsec_<base64>` (the prefix may be missing), or the raw key as bytes.
            tolerance: how far `webhook-timestamp` may be from now, either way.

        Raises:
            ValueError: no secret, an empty one, or one that is not base64.
        """
        given = [secrets] if isinstance(secrets, str | bytes) else list(secrets)
        if not given:
            raise ValueError("at least one secret is needed")
        self._keys = tuple(_key(secret) for secret in given)
        self._tolerance = tolerance

    def verify(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime | None = None
    ) -> dict[str, Any]:
        """Return the event in a body that was signed with one of the secrets.

        Args:
            body: the bytes as they came.
            headers: of the request, in any case.
            now: aware; this machine's clock if not given.

        Raises:
            VerificationFailed: with the reason; nothing of the body is to be trusted then.
        """
        event = self._read(body, headers, now=now)
        if not isinstance(event, dict):
            raise VerificationFailed(Reason.NOT_JSON, "the body is signed but no JSON object")
        return event

    def verify_batch(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return the events in a body that was signed with one of the secrets; an object is one.

        Arguments and errors are those of `verify`.
        """
        read = self._read(body, headers, now=now)
        events = read if isinstance(read, list) else [read]
        if not all(isinstance(event, dict) for event in events):
            raise VerificationFailed(Reason.NOT_JSON, "the body is signed but no array of objects")
        return events

    def _read(self, body: bytes, headers: Mapping[str, str], *, now: datetime | None) -> Any:
        self.check(body, headers, now=now)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise VerificationFailed(Reason.NOT_JSON, "the body is signed but no JSON") from error

    def check(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime | None = None
    ) -> None:
        """Raise unless the body, whatever it holds, was signed with one of the secrets."""
        event_id, timestamp, signatures = _signed_headers(headers)
        self._check_age(timestamp, time.time() if now is None else now.timestamp())
        content = b".".join((event_id.encode(errors="surrogatepass"), timestamp.encode(), body))
        if not _any_fits(self._keys, content, signatures):
            raise VerificationFailed(Reason.BAD_SIGNATURE, "no signature fits a known secret")

    def _check_age(self, timestamp: str, now: float) -> None:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise VerificationFailed(Reason.BAD_TIMESTAMP, "webhook-timestamp is no unix seconds")
        age, limit = now - int(timestamp), self._tolerance.total_seconds()
        if age > limit:
            raise VerificationFailed(Reason.TOO_OLD, f"signed {age:.0f} s ago")
        if age < -limit:
            raise VerificationFailed(Reason.TOO_NEW, f"signed {-age:.0f} s ahead of this clock")


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Secret | Iterable[Secret],
    tolerance: timedelta = TOLERANCE,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Return the event in a signed body: `Webhook(secrets).verify(body, headers)` in one call."""
    return Webhook(secrets, tolerance=tolerance).verify(body, headers, now=now)


def _key(secret: Secret) -> bytes:
    if isinstance(secret, bytes):
        key = secret
    else:
        text = secret.removeprefix("whsec_")
        try:  # padding is often lost in environment files
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("a secret is whsec_ and base64") from error
    if not key:
        raise ValueError("a secret must not be empty")
    return key


def _signed_headers(headers: Mapping[str, str]) -> tuple[str, str, Sequence[bytes]]:
    lower = {name.lower(): value for name, value in headers.items()}
    found = [lower.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
    for name, value in zip(("id", "timestamp", "signature"), found, strict=True):
        if not value:
            raise VerificationFailed(Reason.MISSING_HEADER, f"webhook-{name} is missing")
    event_id, timestamp, signature = found
    parts = [part.partition(",") for part in signature.split(" ")[:SIGNATURES_MAX]]
    # bytes, because compare_digest refuses text beyond ASCII; `surrogatepass` never raises
    return event_id, timestamp, [b.encode(errors="surrogatepass") for v, _, b in parts if v == "v1"]


def _any_fits(keys: Iterable[bytes], content: bytes, signatures: Sequence[bytes]) -> bool:
    """Compare every signature with every key, so that the time says nothing about either."""
    fits = False
    for key in keys:
        expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
        for signature in signatures:
            fits |= hmac.compare_digest(expected, signature)
    return fits
