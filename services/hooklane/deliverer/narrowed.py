"""Which lanes flow less than they may, and why: what a deliverer tells of them.

On the poll thread, once a second. Of what the loop thread writes it reads single values, each whole
at any moment; what it says may be a moment old.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from hooklane.adapters import metrics
from hooklane.adapters.codec import Value
from hooklane.adapters.ports import Clock
from hooklane.deliverer.lane import Gate, Lane
from hooklane.domain.breaker import BreakerState

LANES_MAX = 200
# The gravest first: where there are too many to tell of, the others are left out.
STATES = ("broken", "half_open", "held", "throttled", "limited")
_LOOK_EVERY_S = 1.0
# A lane that is sent at its rate waits for a token most of the time, and not at every moment.
_THROTTLED_WITHIN_MS = 2_000


def state_of(lane: Lane, *, moment_ms: float) -> str | None:
    """Say what narrows a lane; None where nothing does.

    Args:
        lane: any.
        moment_ms: the monotonic time.
    """
    valve, gate = lane.valve, lane.gate
    if valve.breaker.state is BreakerState.OPEN:
        return "broken"
    if valve.breaker.state is BreakerState.HALF_OPEN:
        return "half_open"
    if gate is Gate.HELD:
        return "held"
    waited_for = lane.throttled_until_ms
    if lane.buckets and (gate is Gate.THROTTLED or moment_ms - waited_for < _THROTTLED_WITHIN_MS):
        return "throttled" if waited_for else None
    limit = valve.limit
    if limit is None or limit.is_learning or lane.in_flight_max >= limit.cap:
        return None
    # A limit that nothing waits for narrows nothing.
    return "limited" if lane.has_work else None


def lane_flow(lane: Lane, state: str) -> Value:
    """Tell of a lane as the position's schema has it."""
    until = {"broken": lane.valve.breaker.until_ms, "held": lane.hold_until_ms}.get(state)
    return {
        "endpoint_id": lane.endpoint_id,
        "state": state,
        "in_flight_limit": lane.in_flight_max,
        "until": until,
    }


class Narrowed:
    """Looks at all lanes, now and then."""

    def __init__(self, clock: Clock) -> None:
        """Begin with a look that is due."""
        self._clock = clock
        self._looked_at = float("-inf")
        self._found: Sequence[Value] = ()

    def look(self, lanes: Iterable[Lane]) -> Sequence[Value]:
        """Give the lanes that are not plain, at most 200; as of the last second."""
        moment = self._clock.monotonic()
        if moment - self._looked_at < _LOOK_EVERY_S:
            return self._found
        self._looked_at = moment
        found = [
            (STATES.index(state), lane)
            for whole in lanes
            for lane in whole.parts()
            if (state := state_of(lane, moment_ms=moment * 1_000)) is not None
        ]
        counts = Counter(STATES[grave] for grave, _ in found)
        for state in STATES:
            metrics.LANES_NARROWED.labels(state).set(counts[state])
        found.sort(key=lambda one: (one[0], one[1].endpoint_id))
        self._found = [lane_flow(lane, STATES[grave]) for grave, lane in found[:LANES_MAX]]
        return self._found
