"""Ids: hashes where a re-run must give the same, else chance.

An id is a prefix and 26 letters and digits of 32 (130 bits). Events and deliveries are
hashed from what they are, so matching the same event twice yields the same deliveries and a
receiver can trust `webhook-id` as its idempotency key.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable

ID_LENGTH = 26
_ID = re.compile(r"^(evt|ep|dlv|att|cmd|key)_[a-z2-7]{26}\Z")

# Any byte as one of 32 letters: each letter stands for eight bytes, so all are equally likely.
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8


def _letters(raw: bytes) -> str:
    # One is made an attempt and a delivery, and b32encode would take ten times as long.
    return raw.translate(_LETTERS).decode()


def _digest(*parts: str) -> str:
    # Lengths first, so that no two part lists collide by moving a separator.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return _letters(hashlib.blake2b(text.encode(), digest_size=ID_LENGTH).digest())


def event_id_by_metadata(*, tenant: str, event_type: str, source: str, id_in_source: str) -> str:
    """Identify an event by its producer's own `ce_source` and `ce_id`."""
    return "evt_" + _digest("metadata", tenant, event_type, source, id_in_source)


def event_id_by_position(*, cluster: str, topic_id: str, partition: int, offset: int) -> str:
    """Identify an event by where it lies; a topic id survives a topic's name being reused."""
    return "evt_" + _digest("position", cluster, topic_id, str(partition), str(offset))


def delivery_id(*, event_id: str, endpoint_id: str, trigger: str, command_id: str = "") -> str:
    """Identify the obligation to bring one event to one endpoint for one reason."""
    # One short hash a delivery is on the hot path; the parts' shapes are fixed, so a plain
    # separator cannot collide here.
    parts = f"{event_id}\0{endpoint_id}\0{trigger}\0{command_id}".encode()
    return "dlv_" + _letters(hashlib.blake2b(parts, digest_size=ID_LENGTH).digest())


def batch_id(delivery_ids: Iterable[str]) -> str:
    """Identify a batch by its deliveries, in whatever order: tried again together, the same."""
    return "bat_" + _digest("batch", *sorted(delivery_ids))


def _random() -> str:
    return _letters(secrets.token_bytes(ID_LENGTH))


def new_endpoint_id() -> str:
    """Draw an endpoint id."""
    return "ep_" + _random()


def new_attempt_id() -> str:
    """Draw an attempt id."""
    try:
        # Taken from a list in one step: of two threads each gets its own.
        return _drawn.pop()
    except IndexError:
        letters = _letters(secrets.token_bytes(ID_LENGTH * _DRAWN_AT_ONCE))
        found = ["att_" + letters[at : at + ID_LENGTH] for at in range(0, len(letters), ID_LENGTH)]
        first = found.pop()
        _drawn.extend(found)
        return first


# Attempt ids not yet given out: asking the kernel for each took a twentieth of a delivery's time.
_DRAWN_AT_ONCE = 256
_drawn: list[str] = []
os.register_at_fork(after_in_child=_drawn.clear)


def new_command_id() -> str:
    """Draw a command id."""
    return "cmd_" + _random()


def new_key_id() -> str:
    """Draw an API key's id."""
    return "key_" + _random()


def is_id(text: str, prefix: str) -> bool:
    """Tell whether the text has the shape of an id with that prefix (`evt`, `ep`, `dlv`, …)."""
    return text.startswith(prefix + "_") and _ID.match(text) is not None
