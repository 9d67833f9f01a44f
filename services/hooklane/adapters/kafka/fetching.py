"""How long a client's fetches wait at the broker, by what it reads for.

Records end the wait, unless they are to gather: what differs is how often a broker with nothing
new is asked again, and how soon it learns of what only the next fetch can carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

# More than a fetch that gathers ever waits for: only the time ends the wait, or a real backlog.
_GATHERED_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """How long a fetch waits, and what ends the wait sooner: so many bytes."""

    wait: timedelta
    bytes_min: int = 1

    @property
    def properties(self) -> Mapping[str, Any]:
        """Give librdkafka's properties."""
        wait_ms = self.wait // timedelta(milliseconds=1)
        return {"fetch.wait.max.ms": wait_ms, "fetch.min.bytes": self.bytes_min}


# Who only follows. With nothing to read, twenty clients that ask again ten times a second took a
# tenth of a core from the broker.
FOLLOWING = Fetching(wait=timedelta(milliseconds=250))
# Who waits for a fetch's return: partitions are resumed or started anew, which only the next one
# has, or an end lies behind a transaction's marker, which an empty one tells.
JUMPING = Fetching(wait=timedelta(milliseconds=50))


def gathering(wait: timedelta) -> Fetching:
    """Let records come together for so long, for a reader that may lag.

    Else every small transaction is fetched by itself, at a cost to the broker that shows in the
    latency of deliveries: 100 fetches a second by two such readers doubled its median.
    """
    return Fetching(wait=wait, bytes_min=_GATHERED_BYTES)
