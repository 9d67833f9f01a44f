"""The partitions of the pool that are ours, and the endpoints' lanes that come and go there.

An endpoint's lane is made by its first delivery and goes when nothing of it is to be remembered.
Time's passes over all lanes see only those of them that wait for time: there may be thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hooklane.deliverer.lane import Gate, Lane
from hooklane.deliverer.pool import PooledLane, PoolLane

if TYPE_CHECKING:
    from hooklane.deliverer.gates import Gates
    from hooklane.deliverer.load import Load
    from hooklane.deliverer.starting import Starter

TIDY_EVERY_MS, REVIEW_EVERY_MS = 10_000, 1_000

Lanes = dict[Lane, None]
ByEndpoint = dict[str, list[Lane]]


class Pools:
    """Looks after pooled endpoints' lanes.

    Args:
        lanes: those that time is told to, as they come and go.
        by_endpoint: all by their endpoint, likewise.
    """

    def __init__(
        self, lanes: Lanes, by_endpoint: ByEndpoint, *, gates: Gates, starter: Starter, load: Load
    ) -> None:
        """Begin without any."""
        self._lanes, self._by_endpoint = lanes, by_endpoint
        self._gates, self._starter, self._load = gates, starter, load
        self._pools: dict[PoolLane, None] = {}
        self._tidied_at_ms = self._reviewed_at_ms = 0

    def open(self, pool: PoolLane) -> None:
        """Take a partition in."""
        self._pools[pool] = None

    def close(self, lane: Lane) -> None:
        """Let a partition go; any other lane is none."""
        if isinstance(lane, PoolLane):
            self._pools.pop(lane, None)

    def regate(self, lane: PooledLane) -> None:
        """Work out anew why a pooled lane waits, and whether time has to know it."""
        self._gates.regate(lane)
        if lane.gate is Gate.EMPTYING or lane.batch is not None:
            self._lanes[lane] = None

    def admit(self) -> None:
        """Look at the lanes that are new."""
        for pool in self._pools:
            while pool.fresh:
                lane = pool.fresh.pop()
                self._by_endpoint.setdefault(lane.endpoint_id, []).append(lane)
                self.regate(lane)

    def turn(self, touched: Iterable[Lane], now_ms: int) -> None:
        """Pass on what is too much, give turns, and forget who is idle."""
        if not self._pools:
            return
        for lane in touched:
            if lane.is_pooled:
                self._starter.pooling.relieve(lane, self._starter.read_record)
        if now_ms - self._reviewed_at_ms >= REVIEW_EVERY_MS:
            self._reviewed_at_ms = now_ms
            self._review(now_ms)
        for pool in self._pools:
            for lane in pool.turns():
                self._starter.pump(lane)
        if now_ms - self._tidied_at_ms >= TIDY_EVERY_MS:
            self._tidied_at_ms = now_ms
            self._tidy()

    def _review(self, now_ms: int) -> None:
        if self._load.is_backed_up:
            # Nobody is late by his own doing, and what is passed on is to be committed too.
            return
        for pool in self._pools:
            self._starter.pooling.review(pool, now_ms, read=self._starter.read_record)

    def _tidy(self) -> None:
        for pool in self._pools:
            for lane in [lane for lane in pool.lanes.values() if lane.is_idle]:
                del pool.lanes[lane.endpoint_id]
                self._lanes.pop(lane, None)
                mine = self._by_endpoint[lane.endpoint_id]
                mine.remove(lane)
                if not mine:
                    del self._by_endpoint[lane.endpoint_id]
