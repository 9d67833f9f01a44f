"""One immutable fact, and the bytes that carry it to receivers.

The payload is rendered once by the matcher and never changes afterwards: it is what is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePosition:
    """Where an event lies in its producer's topic."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as matched: identified, typed, rendered."""

    event_id: str
    tenant: str
    event_type: str
    version: int
    key: bytes | None
    event_time: datetime
    source: SourcePosition
    payload: bytes
    content_type: str = "application/json"
