"""Ids: hashes where a re-run must give the same, chance only for attempts.

An id is a prefix and 26 characters of lower-case base32 (128 bits). Events and deliveries are
hashed from what they are, so matching the same event twice yields the same deliveries and a
receiver can trust `webhook-id` as its idempotency key.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

ID_LENGTH = 26
_ID = re.compile(r"^(evt|ep|dlv|att|cmd)_[a-z2-7]{26}\Z")


def _digest(*parts: str) -> str:
    # Lengths first, so that no two part lists collide by moving a separator.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    raw = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return base64.b32encode(raw)[:ID_LENGTH].decode().lower()


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
    raw = hashlib.blake2b(
        f"{event_id}\0{endpoint_id}\0{trigger}\0{command_id}".encode(), digest_size=16
    ).digest()
    return "dlv_" + base64.b32encode(raw)[:ID_LENGTH].decode().lower()


# Any byte as one of 32 letters: each letter stands for eight bytes, so all are equally likely.
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8


def _random() -> str:
    # One is drawn an attempt, and b32encode would take ten times as long.
    return secrets.token_bytes(ID_LENGTH).translate(_LETTERS).decode()


def new_endpoint_id() -> str:
    """Draw an endpoint id."""
    return "ep_" + _random()


def new_attempt_id() -> str:
    """Draw an attempt id."""
    return "att_" + _random()


def new_command_id() -> str:
    """Draw a command id."""
    return "cmd_" + _random()


def is_id(text: str, prefix: str) -> bool:
    """Tell whether the text has the shape of an id with that prefix (`evt`, `ep`, `dlv`, …)."""
    return text.startswith(prefix + "_") and _ID.match(text) is not None
