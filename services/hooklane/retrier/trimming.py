"""When the finished head of a tier partition may be deleted from its log.

A checkpoint says where the committed prefix was at a time. Once it is `keep` old, everything below
it is at least that old, and goes; the next checkpoint is the prefix then. It rides in the commit's
metadata, so that it outlives its process and its assignment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.domain.delivery import from_ms, to_ms

FIELD = "t"
_TEXT = re.compile(r"^([0-9]{1,18})@([0-9]{1,14})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where the committed prefix was, and when."""

    offset: int
    at: datetime

    def text(self) -> str:
        """Write it as a metadata field."""
        return f"{self.offset}@{to_ms(self.at)}"


def checkpoint_of(text: str | None) -> Checkpoint | None:
    """Read a metadata field; an unreadable one is none, which only puts trimming off."""
    found = _TEXT.match(text or "")
    if found is None:
        return None
    return Checkpoint(offset=int(found[1]), at=from_ms(int(found[2])))


def is_ripe(checkpoint: Checkpoint, *, now: datetime, keep: timedelta) -> bool:
    """Tell whether what lies below the checkpoint may be deleted."""
    return now - checkpoint.at >= keep
