"""What of an endpoint every attempt needs, worked out once a revision; and an attempt's request.

A secret that does not open or a header that HTTP forbids is found here: such a plan has a `fault`,
and its attempts are `failed` without a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hooklane.adapters.codec import Value
from hooklane.adapters.http.answers import BODY_BYTES_MAX
from hooklane.adapters.http.port import Answer, Request, Target, header_lines, target
from hooklane.adapters.sealing import Sealer
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import BrokenContract
from hooklane.domain.ids import batch_id
from hooklane.domain.signature import signature
from hooklane.domain.verdict import Verdict, verdict_by_state

BATCH_CONTENT_TYPE = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An HMAC key and when it stops signing, None for never."""

    key: bytes
    valid_until_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to attempt deliveries to one revision of an endpoint; None: deleted for good."""

    endpoint: Endpoint | None
    verdict: Verdict | None
    target: Target | None = None
    keys: tuple[SigningKey, ...] = ()
    # The keys again where none of them ever stops: the usual case, ready to use.
    lasting_keys: tuple[bytes, ...] | None = None
    timeout_ms: int = 0
    sets_content_type: bool = False
    # Its payloads are sent in arrays.
    batches: bool = False
    fault: str = ""


class CannotSend(Exception):
    """An attempt fails for a reason of ours; the text says which."""

    def answer(self) -> Answer:
        """Give what the attempt met without a request."""
        return Answer(outcome=Outcome.FAILED, error=str(self)[:500])


def plan(endpoint: Endpoint | None, *, sealer: Sealer) -> Plan:
    """Work out an endpoint's plan; None stands for one the table no longer has."""
    verdict = verdict_by_state(endpoint.state if endpoint else None)
    if endpoint is None or verdict is not None:
        return Plan(endpoint=endpoint, verdict=verdict)
    try:
        keys = tuple(
            SigningKey(
                key=sealer.signing_key(secret, endpoint_id=endpoint.endpoint_id),
                valid_until_ms=None if secret.valid_until is None else to_ms(secret.valid_until),
            )
            for secret in endpoint.secrets
        )
        headers = sealer.headers(endpoint.sealed_headers, endpoint_id=endpoint.endpoint_id)
        where = target(endpoint.url, headers)
    except (BrokenContract, ValueError) as error:
        return Plan(endpoint=endpoint, verdict=None, fault=str(error))
    lasting = all(key.valid_until_ms is None for key in keys)
    return Plan(
        endpoint=endpoint,
        verdict=None,
        target=where,
        keys=keys,
        lasting_keys=tuple(key.key for key in keys) if lasting and keys else None,
        timeout_ms=int(endpoint.timeout.total_seconds() * 1_000),
        sets_content_type=any(name.lower() == "content-type" for name, _ in where.fields),
        batches=endpoint.batch is not None,
    )


def request(
    made: Plan, delivery: Value, *, now_ms: int, connect_timeout_ms: int, context: object
) -> Request:
    """Build one attempt's request, signed with every key that is valid now.

    Raises:
        CannotSend: the plan has a fault, no key is valid, or the content type is illegal.
    """
    if made.target is None:
        raise CannotSend(made.fault)
    keys = made.lasting_keys or _valid_keys(made, now_ms)
    event_id, payload = delivery["event_id"].encode(), delivery["payload"]
    timestamp = b"%d" % (now_ms // 1_000)
    signed = signature(keys, event_id=event_id, timestamp=timestamp, payload=payload)
    content = b"" if made.sets_content_type else _content_type(delivery["content_type"])
    return Request(
        target=made.target,
        headers=b"webhook-id: %b\r\nwebhook-timestamp: %b\r\nwebhook-signature: %b\r\n"
        b"X-Webhook-Version: %d\r\n%b"
        % (event_id, timestamp, signed, delivery["version"], content),
        body=payload,
        timeout_ms=made.timeout_ms,
        connect_timeout_ms=min(connect_timeout_ms, made.timeout_ms),
        context=context,
    )


def batch_request(
    made: Plan,
    deliveries: Sequence[Value],
    *,
    now_ms: int,
    connect_timeout_ms: int,
    context: object,
) -> Request:
    """Build the one request of several deliveries: a JSON array of payloads, signed as one.

    Raises:
        CannotSend: the plan has a fault, or no key is valid.
    """
    if made.target is None:
        raise CannotSend(made.fault)
    keys = made.lasting_keys or _valid_keys(made, now_ms)
    name = batch_id(delivery["delivery_id"] for delivery in deliveries).encode()
    body = b"[%b]" % b",".join([delivery["payload"] for delivery in deliveries])
    timestamp = b"%d" % (now_ms // 1_000)
    signed = signature(keys, event_id=name, timestamp=timestamp, payload=body)
    content = b"" if made.sets_content_type else _content_type(BATCH_CONTENT_TYPE)
    return Request(
        target=made.target,
        headers=b"webhook-id: %b\r\nwebhook-timestamp: %b\r\nwebhook-signature: %b\r\n"
        b"X-Webhook-Batch: %d\r\n%b" % (name, timestamp, signed, len(deliveries), content),
        body=body,
        timeout_ms=made.timeout_ms,
        connect_timeout_ms=min(connect_timeout_ms, made.timeout_ms),
        context=context,
        # It may speak of each item.
        body_kept_bytes=BODY_BYTES_MAX,
    )


def _valid_keys(made: Plan, now_ms: int) -> tuple[bytes, ...]:
    keys = tuple(
        key.key for key in made.keys if key.valid_until_ms is None or key.valid_until_ms > now_ms
    )
    if not keys:
        raise CannotSend("no signing secret is valid")
    return keys


class Plans:
    """The endpoints as last told, and their plans, made when first needed."""

    def __init__(self, sealer: Sealer) -> None:
        """Begin with none, and nothing read."""
        self._sealer = sealer
        self._endpoints: dict[str, Endpoint] = {}
        self._plans: dict[str, Plan] = {}
        self._table_offset = -1
        self._absent = plan(None, sealer=sealer)

    def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint's newest revision, if it is known."""
        return self._endpoints.get(endpoint_id)

    def changed(self, changes: Iterable[tuple[str, Endpoint | None]], table_offset: int) -> None:
        """Take newer revisions in; the table is read to this offset."""
        self._table_offset = table_offset
        for endpoint_id, endpoint in changes:
            self._plans.pop(endpoint_id, None)
            if endpoint is None:
                self._endpoints.pop(endpoint_id, None)
            else:
                self._endpoints[endpoint_id] = endpoint

    def plan(self, endpoint_id: str, *, table_offset: int) -> Plan | None:
        """Give an endpoint's plan; None where the table is not read far enough to know."""
        made = self._plans.get(endpoint_id)
        if made is not None:
            return made
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None:
            # Not kept: it is absent only as of a table offset.
            return self._absent if table_offset <= self._table_offset else None
        made = self._plans[endpoint_id] = plan(endpoint, sealer=self._sealer)
        return made


@lru_cache(maxsize=256)
def _content_type(text: str) -> bytes:
    try:
        return header_lines({"Content-Type": text})
    except ValueError as error:
        raise CannotSend(str(error)) from None
