"""The Attempt of a plain success, encoded by hand: what fastavro takes 20 µs for takes 5.

Avro writes a record as its fields one after another, so joined pieces are exactly what
`codec("attempt")` would write; a test holds them to it, and `_FIELDS` to the newest schema.
Pieces that repeat (timings, an endpoint's usual response headers, the end) are kept encoded.
"""

from __future__ import annotations

from functools import lru_cache

from hooklane.adapters.codec import codec
from hooklane.adapters.http.port import Answer, Timings
from hooklane.deliverer.lane import Flight
from hooklane.domain.ids import new_attempt_id

_FIELDS = (
    "attempt_id", "delivery_id", "event_id", "endpoint_id", "tenant", "type", "number",
    "started_at", "timings", "outcome", "status", "error", "response_headers", "response_body",
    "verdict", "tier_s", "due_at", "reason", "version", "trigger",
)  # fmt: skip
_codec = codec("attempt")
assert tuple(_codec.fields) == _FIELDS, "the Attempt schema changed: encode its fields here too"
_TYPES = {field["name"]: field["type"] for field in _codec.newest["fields"]}
_HEADER = _codec.header
_NULL = b"\0"


def long(number: int) -> bytes:
    """Encode an int or long: zigzag, seven bits a byte."""
    rest = (number << 1) ^ (number >> 63)
    if rest < 0x80:
        return _BYTE[rest]
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_BYTE = [bytes((number,)) for number in range(0x80)]


def string(text: str) -> bytes:
    """Encode a string."""
    raw = text.encode()
    length = len(raw)
    return (_BYTE[length << 1] if length < 0x40 else long(length)) + raw


def optional(number: int | None) -> bytes:
    """Encode a union of null and a number."""
    return _NULL if number is None else b"\x02" + long(number)


def _symbol(field: str, symbol: str) -> bytes:
    return long(_TYPES[field]["symbols"].index(symbol))


@lru_cache(maxsize=4_096)
def _kept(text: str) -> bytes:
    """Encode a string that comes again: an event's id, an endpoint's."""
    return string(text)


@lru_cache(maxsize=1_024)
def _names(tenant: str, event_type: str) -> bytes:
    return string(tenant) + string(event_type)


@lru_cache(maxsize=1_024)
def _met(status: int | None, error: str) -> bytes:
    return _SUCCEEDED + optional(status) + string(error)


@lru_cache(maxsize=64)
def _instant(milliseconds: int) -> bytes:
    """Encode a time; hundreds of attempts share a millisecond's."""
    return long(milliseconds)


@lru_cache(maxsize=4_096)
def _timings(timings: Timings) -> bytes:
    return b"".join(
        map(
            optional,
            (timings.dns, timings.connect, timings.tls, timings.first_byte, timings.total),
        )
    )


@lru_cache(maxsize=1_024)
def _headers(headers: tuple[tuple[str, str], ...]) -> bytes:
    if not headers:
        return _NULL
    items = b"".join(string(name) + string(value) for name, value in headers)
    return long(len(headers)) + items + _NULL


@lru_cache(maxsize=1_024)
def _end(version: int, trigger: str) -> bytes:
    verdict = _symbol("verdict", "delivered")
    return b"".join((verdict, _NULL, _NULL, string(""), long(version), _symbol("trigger", trigger)))


_SUCCEEDED = _symbol("outcome", "succeeded")


def delivered_bytes(flight: Flight, answer: Answer) -> bytes:
    """Give the Attempt record of a delivery whose receiver has it."""
    delivery, body = flight.delivery, answer.body
    return b"".join(
        (
            _HEADER,
            string(new_attempt_id()),
            string(delivery["delivery_id"]),
            _kept(delivery["event_id"]),
            _kept(delivery["endpoint_id"]),
            _names(delivery["tenant"], delivery["type"]),
            long(flight.number),
            _instant(flight.started_ms),
            _timings(answer.timings_ms),
            _met(answer.status, answer.error),
            _headers(answer.headers),
            long(len(body)),
            body,
            _end(delivery["version"], delivery["trigger"]),
        )
    )
