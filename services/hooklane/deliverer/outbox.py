"""What the loop's side has to tell the poll thread, in the order it happened.

`Settled` deliveries, probes that are over, and notices about lanes. The loop thread appends, the
poll thread empties it; `Rules` is what both sides were told at the start.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hooklane.adapters.sealing import Sealer
from hooklane.deliverer.lane import Lane
from hooklane.deliverer.load import Load
from hooklane.deliverer.probing import Probed
from hooklane.deliverer.settling import Settled
from hooklane.domain.topics import Topics


@dataclass(frozen=True, slots=True)
class Forgot:
    """A lane dropped what waited from this offset on; None: it had nothing to drop."""

    lane: Lane
    offset: int | None


@dataclass(frozen=True, slots=True)
class Asks:
    """A lane waits until the endpoint table is read to this offset."""

    lane: Lane
    table_offset: int


@dataclass(frozen=True, slots=True)
class Told:
    """Something for the log: a line's name and its fields."""

    what: str
    fields: Mapping[str, Any]


Notice = Settled | Forgot | Asks | Probed | Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What sending goes by beside its settings."""

    topics: Topics
    tiers: Sequence[timedelta]
    chance: random.Random
    sealer: Sealer


class Outbox:
    """Notices, counted for the load where they wait for a commit; and a bug's exception."""

    def __init__(self, load: Load) -> None:
        """Begin empty."""
        self._load = load
        self.notices: deque[Notice] = deque()
        self.fault: Exception | None = None

    def settle(self, settled: Settled) -> None:
        """Hand over a delivery that is settled."""
        self.notices.append(settled)
        self._load.settled(settled.size)
        order = settled.lane.order
        if order is None:
            return
        if settled.parked is not None:
            order.parks(settled.offset, settled.parked)
        elif settled.is_burial:
            order.buries(settled.offset)
        else:
            order.finished(settled.offset)

    def fail(self, error: Exception) -> None:
        """Hand over a bug of ours: the poll thread raises it, uncommitted."""
        self.fault = error
