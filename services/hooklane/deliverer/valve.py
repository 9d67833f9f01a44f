"""What a lane knows of how much its endpoint takes; `valves` writes it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from hooklane.domain.breaker import Breaker
from hooklane.domain.in_flight import InFlight

NEVER_REVIEWED = sys.maxsize


@dataclass(slots=True, eq=False)
class Valve:
    """A lane's limit and breaker, and the counts they are judged by."""

    tenant: str = ""
    limit: InFlight | None = None
    # Nothing failed and nothing changed: the next window may be a long one.
    is_quiet: bool = False
    breaker: Breaker = field(default_factory=Breaker)
    # In the window of answers that runs: what was no success, what was refused, where it began.
    failed: int = 0
    refused: int = 0
    ended_before: int = 0
    spent_before_ms: float = 0.0
    # Of the POSTs that ended, those the breaker has counted.
    counted: int = 0
