"""Why a lane starts nothing: the endpoint's state, a hold, deliveries that are not yet due.

A gate is worked out anew whenever something it depends on changed, never per delivery. Nothing here
starts anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence

from hooklane.adapters.ports import Clock, Record
from hooklane.deliverer.lane import NEVER, Gate, Lane
from hooklane.deliverer.load import Load
from hooklane.deliverer.ordering import Ordering, Successors
from hooklane.deliverer.plan import Plans
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.valves import Valves
from hooklane.domain.breaker import BreakerState
from hooklane.domain.endpoint import Endpoint, EndpointState, Order

# Not-yet-due deliveries of a lane that are waited for; beyond them the whole lane waits.
WAITING_MAX = 64


class Gates:
    """Sets lanes' gates and limits, and keeps what waits for its not-before."""

    def __init__(
        self, plans: Plans, valves: Valves, *, clock: Clock, settings: DelivererSettings,
        by_endpoint: Mapping[str, Sequence[Lane]],
    ) -> None:  # fmt: skip
        """Begin with nothing that waits; `by_endpoint` are the lanes as they come and go."""
        self._by_endpoint = by_endpoint
        self._plans, self._clock, self._settings = plans, clock, settings
        self._valves = valves
        self._successors = Successors(settings)
        self._timers: list[tuple[int, int, Lane, Record]] = []
        self._timer_number = 0
        self._throttled: list[tuple[float, int, Lane]] = []

    def regate(self, lane: Lane) -> None:
        """Work out anew why the lane waits, if it does."""
        if lane.closed or lane.gate is Gate.ASKING:
            return
        endpoint = self._plans.endpoint(lane.endpoint_id)
        now_ms = self._clock.now_ms()
        if endpoint is not None:
            # It asked for all its POSTs to wait, wherever it has its place by now.
            mine = self._by_endpoint.get(lane.endpoint_id, ())
            lane.hold_until_ms = max(one.hold_until_ms for one in (lane, *mine))
        self._valves.fit(lane, endpoint, now_ms=now_ms)
        lane.batch = endpoint.batch if endpoint else None
        lane.batch_bytes_max = self._settings.batch_bytes_max
        if lane.order is None and endpoint is not None and endpoint.order is Order.KEY:
            lane.order = Ordering(lane.ready, lane.restored, all_lanes=self._successors)
        lane.gate = lane.admitted(self._gate(lane, endpoint, now_ms=now_ms))
        lane.wakes_at_ms = NEVER
        if lane.gate is Gate.HELD:
            lane.wakes_at_ms = lane.hold_until_ms
        elif lane.gate is Gate.BROKEN:
            lane.wakes_at_ms = lane.valve.breaker.until_ms

    def _gate(self, lane: Lane, endpoint: Endpoint | None, *, now_ms: int) -> Gate | None:
        if endpoint is None or endpoint.state in (EndpointState.DISABLED, EndpointState.DELETED):
            return Gate.EMPTYING
        if endpoint.state is EndpointState.PAUSED:
            return Gate.PAUSED
        if endpoint.revision <= lane.stopped_at_revision:
            return Gate.STOPPED
        if lane.hold_until_ms > now_ms:
            return Gate.HELD
        if lane.valve.breaker.state is BreakerState.OPEN:
            return Gate.BROKEN
        if lane.buckets and lane.throttled_until_ms > self._clock.monotonic() * 1_000:
            return Gate.THROTTLED
        return None

    def admits(self, lane: Lane) -> bool:
        """Take a token for a POST of a lane that needs one; without one throttle the lane."""
        if lane.granted:
            lane.granted = False
            return True
        now_ms = self._clock.monotonic() * 1_000
        if self._reserve(lane, now_ms) <= now_ms:
            return True
        lane.gate = Gate.THROTTLED
        self._line_up(lane)
        return False

    def granted(self, load: Load) -> Iterator[Lane]:
        """Give lanes whose token has come, in the order in which they asked, each to start one.

        Who takes the next of them only then asks for its lane's next token: all get their turns.
        """
        now_ms = self._clock.monotonic() * 1_000
        while self._throttled and self._throttled[0][0] <= now_ms and not load.full:
            until_ms, _, lane = heapq.heappop(self._throttled)
            if lane.gate is not Gate.THROTTLED or lane.throttled_until_ms != until_ms:
                continue
            self.regate(lane)
            lane.granted = True
            yield lane
            lane.granted = False
            if lane.may_start and lane.buckets:
                self._reserve(lane, now_ms)
                lane.gate = Gate.THROTTLED
                self._line_up(lane)

    def _reserve(self, lane: Lane, now_ms: float) -> float:
        lane.throttled_until_ms = max(bucket.reserve(now_ms) for bucket in lane.buckets)
        return lane.throttled_until_ms

    def _line_up(self, lane: Lane) -> None:
        self._timer_number += 1
        heapq.heappush(self._throttled, (lane.throttled_until_ms, self._timer_number, lane))

    def wait(self, lane: Lane, record: Record, *, due_ms: int) -> None:
        """Keep a delivery that is not yet due; beyond so many hold the lane."""
        if lane.order is not None and lane.order.waits(record.offset(), due_ms=due_ms):
            return
        if lane.waiting >= WAITING_MAX:
            lane.put_back(record)
            lane.hold_until_ms = max(lane.hold_until_ms, due_ms)
            lane.gate, lane.wakes_at_ms = lane.admitted(Gate.HELD), lane.hold_until_ms
            return
        lane.waiting += 1
        self._timer_number += 1
        heapq.heappush(self._timers, (due_ms, self._timer_number, lane, record))

    def due(self, now_ms: int) -> Iterator[Lane]:
        """Make ready what is due now; give its lane, each time, to be started."""
        while self._timers and self._timers[0][0] <= now_ms:
            _, _, lane, record = heapq.heappop(self._timers)
            if not lane.closed:
                lane.waiting -= 1
                lane.ready.append(record)
                yield lane
