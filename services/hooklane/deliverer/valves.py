"""How much a lane may have open now, by what its endpoint answers: limit, breaker, rate.

On the loop's side. The rules are in `domain` (`in_flight`, `breaker`, `token_bucket`); here is what
they are told and what follows for the lane. A success costs one comparison: the limit is judged a
window at a time, and the breaker counts when something fails.

A valve lives as long as its lane is assigned; the buckets of endpoints and tenants are shared by
all their lanes in this process.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hooklane.adapters.http.port import Answer
from hooklane.adapters.metrics import BREAKER_OPENINGS
from hooklane.deliverer.lane import Lane
from hooklane.deliverer.outbox import Outbox, Told
from hooklane.deliverer.valve import NEVER_REVIEWED
from hooklane.domain import breaker as breakers
from hooklane.domain import in_flight as limits
from hooklane.domain.breaker import BreakerRules, BreakerState
from hooklane.domain.delivery import EPOCH
from hooklane.domain.token_bucket import TokenBucket

if TYPE_CHECKING:
    from hooklane.deliverer.settings import DelivererSettings
    from hooklane.domain.endpoint import Endpoint


class Valves:
    """Sets lanes' limits, and opens and closes their breakers."""

    def __init__(self, outbox: Outbox, *, settings: DelivererSettings) -> None:
        """Begin with no bucket."""
        self._outbox, self._settings = outbox, settings
        self._rules: BreakerRules = settings.breaker
        self._of_endpoints: dict[str, TokenBucket] = {}
        self._of_tenants: dict[str, TokenBucket] = {}

    def fit(self, lane: Lane, endpoint: Endpoint | None, *, now_ms: int) -> None:
        """Follow a revision, and a breaker's wait that is over."""
        valve = lane.valve
        valve.tenant = endpoint.tenant if endpoint else ""
        cap = (endpoint.in_flight_max if endpoint else None) or (
            self._settings.in_flight_per_endpoint_max
        )
        valve.limit = limits.capped(valve.limit or limits.first_limit(cap), cap)
        lane.buckets = self._buckets(endpoint) if endpoint else ()
        lane.rate_per_s = min((bucket.rate_per_s for bucket in lane.buckets), default=float("inf"))
        valve.breaker = breakers.waited(valve.breaker, now_ms=now_ms, rules=self._rules)
        self._apply(lane)

    def answered(self, lane: Lane, answer: Answer, *, began_ms: int, now_ms: int) -> bool:
        """Take in a POST's answer that is no success; tell whether the breaker moved."""
        valve, before = lane.valve, lane.valve.breaker
        valve.failed += 1
        if valve.is_quiet:
            valve.is_quiet = False
            self._apply(lane)
        valve.refused += limits.is_refusal(answer.outcome, answer.status)
        has_failed = breakers.failure(answer.outcome, answer.status)
        if has_failed is None:
            return False
        valve.breaker = breakers.tried(
            before, has_failed=has_failed, began_ms=began_ms, now_ms=now_ms, rules=self._rules
        )
        if has_failed:
            # The one that ended now is counted by its lane after it is judged.
            ended = lane.ended + 1
            valve.breaker = breakers.failed(
                valve.breaker, attempts=ended - valve.counted, now_ms=now_ms, rules=self._rules
            )
            valve.counted = ended
        return self._follow(lane, before.state)

    def review(self, lane: Lane, *, began_ms: int, now_ms: int) -> None:
        """Judge a window of answers, and half open the trial's: only where something is due."""
        valve, before = lane.valve, lane.valve.breaker
        if before.state is BreakerState.HALF_OPEN:
            valve.breaker = breakers.tried(
                before, has_failed=False, began_ms=began_ms, now_ms=now_ms, rules=self._rules
            )
            self._follow(lane, before.state)
            return
        answers = lane.ended - valve.ended_before
        assert valve.limit is not None
        if answers:
            window = limits.Window(
                answers=answers,
                failed=valve.failed,
                refused=valve.refused,
                latency_ms=(lane.spent_ms - valve.spent_before_ms) / answers,
                is_used=lane.gate is None and lane.has_work and not lane.starved,
            )
            known = valve.limit
            valve.limit = limits.reviewed(known, window, now_ms=now_ms)
            valve.is_quiet = valve.failed == 0 and valve.limit.limit == known.limit
        self._begin_window(lane)
        self._apply(lane)

    def _follow(self, lane: Lane, before: BreakerState) -> bool:
        """Say that a breaker moved, and do what follows."""
        valve, after = lane.valve, lane.valve.breaker
        if after.state is before:
            return False
        assert valve.limit is not None
        if after.state is BreakerState.CLOSED:
            valve.limit = limits.again(valve.limit)
            self._begin_window(lane)
            self._tell("breaker.closed", lane)
        elif after.state is BreakerState.OPEN:
            BREAKER_OPENINGS.inc()
            until = EPOCH + timedelta(milliseconds=after.until_ms)
            self._tell("breaker.opened", lane, until=until.isoformat(), openings=after.openings)
        self._apply(lane)
        return True

    def _tell(self, what: str, lane: Lane, **fields: Any) -> None:
        tenant, endpoint = lane.valve.tenant, lane.endpoint_id
        self._outbox.notices.append(Told(what, {"tenant": tenant, "endpoint": endpoint, **fields}))

    def _begin_window(self, lane: Lane) -> None:
        valve = lane.valve
        valve.failed = valve.refused = 0
        valve.ended_before, valve.spent_before_ms = lane.ended, lane.spent_ms

    def _apply(self, lane: Lane) -> None:
        """Set what the hot path looks at."""
        valve = lane.valve
        assert valve.limit is not None
        if valve.breaker.state is BreakerState.HALF_OPEN:
            lane.in_flight_max, lane.review_at = 1, 0
        elif self._settings.in_flight_adaptive:
            lane.in_flight_max = valve.limit.limit
            window = valve.limit.window
            if valve.is_quiet:
                window = max(window, limits.QUIET_WINDOW)
            lane.review_at = valve.ended_before + window
        else:
            lane.in_flight_max, lane.review_at = valve.limit.cap, NEVER_REVIEWED

    def _buckets(self, endpoint: Endpoint) -> tuple[TokenBucket, ...]:
        return tuple(
            _bucket(of, key, rate)
            for of, key, rate in (
                (self._of_endpoints, endpoint.endpoint_id, endpoint.rate_per_s),
                (self._of_tenants, endpoint.tenant, self._settings.tenant_rate_per_s),
            )
            if rate
        )


def _bucket(buckets: dict[str, TokenBucket], key: str, rate_per_s: int) -> TokenBucket:
    known = buckets.get(key)
    if known is None or known.rate_per_s != rate_per_s:
        known = buckets[key] = TokenBucket(rate_per_s)
    return known
