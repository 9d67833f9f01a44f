"""What time asks of the lanes: due deliveries, holds that end, lanes to empty, deliveries too old.

Called once a turn with the time; every pass over the lanes has its own, longer, interval or looks
at one attribute each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from hooklane.deliverer.gates import Gates
from hooklane.deliverer.lane import Gate, Lane
from hooklane.deliverer.load import Load
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.starting import EXPIRED, Starter

EXPIRY_LOOK_MS = 1_000


class Waiting:
    """Lets go on whose time has come.

    Args:
        lanes: those there are, as they come and go.
    """

    def __init__(
        self, lanes: Collection[Lane], gates: Gates, *, starter: Starter, load: Load,
        settings: DelivererSettings,
    ) -> None:  # fmt: skip
        """Begin with everything due."""
        self._lanes, self._gates, self._starter, self._load = lanes, gates, starter, load
        self._settings = settings
        self._emptied_at_ms = self._looked_at_ms = 0

    def turn(self, now_ms: int) -> None:
        """Do what time asks for."""
        self._wake(now_ms)
        self._empty(now_ms)
        if now_ms - self._looked_at_ms >= EXPIRY_LOOK_MS:
            self._looked_at_ms = now_ms
            self._expire(now_ms)

    def _wake(self, now_ms: int) -> None:
        """Let go on whose time has come."""
        for lane in self._gates.due(now_ms):
            self._starter.pump(lane)
        for lane in self._lanes:
            if lane.order is not None and lane.order.wake(now_ms):
                self._starter.pump(lane)
            if lane.wakes_at_ms <= now_ms:
                self._gates.regate(lane)
                self._starter.pump(lane)
        for lane in self._gates.granted(self._load):
            while lane.granted and lane.may_start:
                self._starter.begin(lane)

    def _empty(self, now_ms: int) -> None:
        """Settle a few deliveries of disabled and deleted endpoints, lanes in turn."""
        if now_ms - self._emptied_at_ms < self._settings.tick_ms or self._load.full:
            return
        emptying = [lane for lane in self._lanes if lane.gate is Gate.EMPTYING]
        for lane in emptying:
            if lane.order is not None:
                lane.order.let_go()
        lanes = deque(lane for lane in emptying if lane.has_work)
        if not lanes:
            return
        self._emptied_at_ms = now_ms
        for _ in range(self._settings.dead_letters_per_tick_max):
            if not lanes:
                return
            lane = lanes.popleft()
            self._starter.begin(lane)
            if lane.gate is Gate.EMPTYING and lane.has_work:
                lanes.append(lane)

    def _expire(self, now_ms: int) -> None:
        """Look at the heads of lanes that wait: a hold does not keep a delivery for ever."""
        starter = self._starter
        for lane in self._lanes:
            while (
                lane.gate in (Gate.PAUSED, Gate.HELD, Gate.STOPPED, Gate.BROKEN) and lane.has_work
            ):
                flight = starter.read(lane)
                if flight is None:
                    continue
                if not starter.is_expired(flight, now_ms) or flight.plan.verdict is not None:
                    lane.put_back(flight.record)
                    break
                starter.end(flight, EXPIRED)
