"""How an answer's value is made from what was read; shared by both adapters, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hooklane.domain.attempt import Outcome

# What is read of an answer before its connection is given up, and what of it is kept.
HEAD_BYTES_MAX = 65_536
FIELDS_MAX = 512
BODY_BYTES_MAX = 65_536
HEADERS_KEPT_BYTES = 8_192
BODY_KEPT_BYTES = 16_384
INTERIM_ANSWERS_MAX = 16
ERROR_CHARACTERS_MAX = 200

# An enum's member is found slowly on its class, and this is asked once a delivery.
SUCCEEDED = Outcome.SUCCEEDED
REJECTED = Outcome.REJECTED

RawFields = Iterable[tuple[bytes, bytes]]


def outcome_of(status: int) -> Outcome:
    """Judge a status: 2xx succeeded, any other rejected."""
    return SUCCEEDED if 200 <= status < 300 else REJECTED


def is_final(status: int) -> bool:
    """Tell whether a status ends an exchange; 101 does, since nothing was asked to be switched."""
    return status >= 200 or status == 101


def ends_itself(fields: RawFields) -> bool:
    """Tell whether a body says where it ends; any other ends with its connection."""
    return any(
        name.lower() == b"content-length"
        or (name.lower() == b"transfer-encoding" and b"chunked" in value.lower())
        for name, value in fields
    )


def kept_fields(fields: RawFields) -> tuple[tuple[str, str], ...]:
    """Decode the first headers, as many as fit the bytes kept."""
    kept = []
    room = HEADERS_KEPT_BYTES
    for name, value in fields:
        room -= len(name) + len(value) + 4
        if room < 0:
            break
        kept.append((str(name, "latin-1"), str(value, "latin-1")))
    return tuple(kept)


@lru_cache(maxsize=1_024)
def all_fields(fields: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """Decode headers that are known to fit; a receiver sends the same ones all second long."""
    return tuple([(str(name, "latin-1"), str(value, "latin-1")) for name, value in fields])


def retry_after(fields: RawFields) -> str | None:
    """Find the raw Retry-After, also behind the headers kept."""
    for name, value in fields:
        if len(name) == 11 and name.lower() == b"retry-after":
            return value[:100].decode("latin-1").strip()
    return None


def short(reason: object) -> str:
    """Give a reason on one bounded line."""
    return " ".join(str(reason).split())[:ERROR_CHARACTERS_MAX]


def elapsed_ms(since: float, until: float) -> int:
    """Give a span of the loop's clock in whole milliseconds."""
    return int((until - since) * 1_000 + 0.5)
