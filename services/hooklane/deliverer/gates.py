"""Why a lane starts nothing: the endpoint's state, a hold, deliveries that are not yet due.

A gate is worked out anew whenever something it depends on changed, never per delivery. Nothing here
starts anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from hooklane.adapters.ports import Clock, Record
from hooklane.deliverer.lane import Gate, Lane
from hooklane.deliverer.ordering import Ordering, Successors
from hooklane.deliverer.plan import Plans
from hooklane.deliverer.settings import DelivererSettings
from hooklane.domain.endpoint import Endpoint, EndpointState, Order

# Not-yet-due deliveries of a lane that are waited for; beyond them the whole lane waits.
WAITING_MAX = 64


class Gates:
    """Sets lanes' gates and limits, and keeps what waits for its not-before."""

    def __init__(self, plans: Plans, *, clock: Clock, settings: DelivererSettings) -> None:
        """Begin with nothing that waits."""
        self._plans, self._clock, self._settings = plans, clock, settings
        self._successors = Successors(settings)
        self._timers: list[tuple[int, int, Lane, Record]] = []
        self._timer_number = 0

    def regate(self, lane: Lane) -> None:
        """Work out anew why the lane waits, if it does."""
        if lane.closed or lane.gate is Gate.ASKING:
            return
        endpoint = self._plans.endpoint(lane.endpoint_id)
        default = self._settings.in_flight_per_endpoint_max
        lane.in_flight_max = (endpoint.in_flight_max if endpoint else None) or default
        lane.batch = endpoint.batch if endpoint else None
        lane.batch_bytes_max = self._settings.batch_bytes_max
        if lane.order is None and endpoint is not None and endpoint.order is Order.KEY:
            lane.order = Ordering(lane.ready, lane.restored, all_lanes=self._successors)
        lane.gate = self._gate(lane, endpoint)

    def _gate(self, lane: Lane, endpoint: Endpoint | None) -> Gate | None:
        if endpoint is None or endpoint.state in (EndpointState.DISABLED, EndpointState.DELETED):
            return Gate.EMPTYING
        if endpoint.state is EndpointState.PAUSED:
            return Gate.PAUSED
        if endpoint.revision <= lane.stopped_at_revision:
            return Gate.STOPPED
        return Gate.HELD if lane.hold_until_ms > self._clock.now_ms() else None

    def wait(self, lane: Lane, record: Record, *, due_ms: int) -> None:
        """Keep a delivery that is not yet due; beyond so many hold the lane."""
        if lane.order is not None and lane.order.waits(record.offset(), due_ms=due_ms):
            return
        if lane.waiting >= WAITING_MAX:
            lane.put_back(record)
            lane.hold_until_ms = max(lane.hold_until_ms, due_ms)
            lane.gate = Gate.HELD
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
