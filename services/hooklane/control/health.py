"""How endpoints are: taken from the attempt log, once, by whichever control process is first.

Reads `hooklane.attempts` without a group; its offsets lie in SQL and move, by compare-and-set, in
the transaction of what is known of the endpoints then and of the operational events to tell. Of
several control processes one does the work and the others stand by. An endpoint with nothing but
failure for `disable_after` is disabled as by a 410: a revision whose reason is `failing`.
Promises: an attempt counts once; nothing is asked of the attempts table; a first start begins at
the log's end, so that old deaths are not told as new ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from hooklane.adapters.attempt_brief import success_of
from hooklane.adapters.codec import Value, codec
from hooklane.adapters.health_store import Observation, Watched
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.metrics import ENDPOINTS_FAILING, GAPS
from hooklane.adapters.ports import Clock, Reader, Record
from hooklane.adapters.store import ControlStore, KeptEndpoint, LostRace, OffsetMove
from hooklane.control.drafts import moved_revision
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import Trigger
from hooklane.domain.endpoint import Cause, Endpoint, EndpointState
from hooklane.domain.errors import BrokenContract, NotFound
from hooklane.domain.health import WINDOW, Health, HealthState, Met, Rules, is_hopeless, observed
from hooklane.domain.topics import Partition, Topics

READER = "health"
FAILING = "failing"
_BATCH = 5_000
_SILENCED_MAX = 500
# Nobody waits for what an attempt says of its endpoint; the broker is spared a fetch for each.
GATHER = timedelta(milliseconds=500)
_WAIT = timedelta(milliseconds=250)
# It may lag, deliveries on the same machine may not: so long it rests for what a batch took.
_REST, _REST_S_MAX = 3.0, 1.0
# How long the loser of a race lets the winner work alone.
_STANDBY_S = 2.0
_LOOK_EVERY_S = 5.0
_WORDS = {HealthState.FAILING: "failing", HealthState.HEALTHY: "recovered"}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
# 9999-12-31, the last day datetime knows.
_TIME_MS_MAX = 253_402_300_799_999
_ALIVE = frozenset((EndpointState.ACTIVE, EndpointState.PAUSED))


class Watch:
    """Takes attempts in; every call is made by one thread."""

    name = "health"

    def __init__(
        self,
        store: ControlStore,
        reader: Reader,
        *,
        topics: Topics,
        rules: Rules,
        clock: Clock,
        log: Log = no_log,
    ) -> None:
        """Begin with nothing read."""
        self._store, self._reader, self._rules = store, reader, rules
        self._clock, self._log = clock, log
        self._partitions = [
            Partition(topics.attempts, number) for number in range(topics.counts.attempts)
        ]
        self._at: dict[Partition, int | None] = {}
        # What was read and could not be taken in has to be read again.
        self._is_astray = True
        self._standby_until = self._look_at = float("-inf")
        # Set by whoever has a relay to wake.
        self.ring: Callable[[], None] = lambda: None

    def step(self) -> None:
        """Take in what is there, tell what a minute's end leaves to tell.

        Raises:
            Unavailable: the database or Kafka can't be reached; nothing read is passed over.
        """
        now = self._clock.monotonic()
        if now < self._standby_until:
            self._clock.sleep(min(_WAIT.total_seconds(), self._standby_until - now))
            return
        try:
            if self._is_astray:
                self._start()
            records = self._reader.read(_BATCH, timeout=_WAIT)
            self._is_astray = bool(records)
            if records:
                began = self._clock.monotonic()
                self._take(records)
                spent = self._clock.monotonic() - began
                self._clock.sleep(min(spent * _REST, _REST_S_MAX))
            self._is_astray = False
            if now >= self._look_at:
                self._look_at = now + _LOOK_EVERY_S
                self._look()
        except LostRace as error:
            self._log("attempts.lost", error=str(error))
            self._is_astray = True
            self._standby_until = self._clock.monotonic() + _STANDBY_S

    def close(self) -> None:
        """End."""
        self._reader.close()

    def _start(self) -> None:
        """Read on from where SQL says any control process has come."""
        known, starts = self._store.offsets(READER), {}
        for partition in self._partitions:
            log_start, end = self._reader.ends(partition)
            starts[partition] = known.get(partition, log_start if known else end)
            if starts[partition] < log_start:
                GAPS.inc()
                self._log("attempts.gap_found", level="error", partition=partition.partition)
                starts[partition] = log_start
        if not known:
            moves = [
                OffsetMove(partition=partition, expected=None, offset=start)
                for partition, start in starts.items()
            ]
            self._store.move_offsets(READER, moves)
            known = starts
        self._reader.start(starts)
        self._at = {partition: known.get(partition) for partition in self._partitions}

    def _take(self, records: Sequence[Record]) -> None:
        of_endpoint: defaultdict[str, list[Met]] = defaultdict(list)
        decode = codec("attempt").decode
        for record in records:
            raw = record.value()
            success = success_of(raw)
            if success is not None and 0 <= success[1].at_ms <= _TIME_MS_MAX:
                endpoint_id, met = success
                of_endpoint[endpoint_id].append(met)
                continue
            try:
                value = decode(raw)
                if value["trigger"] != Trigger.PROBE.value:
                    of_endpoint[value["endpoint_id"]].append(met_of(value))
            except BrokenContract as error:
                self._log("attempt.unreadable", level="error", error=str(error))
        ends = {
            Partition(record.topic(), record.partition()): record.offset() + 1 for record in records
        }
        moves = [
            OffsetMove(partition=partition, expected=self._at[partition], offset=offset)
            for partition, offset in ends.items()
        ]
        self._observe(of_endpoint, moves)
        self._at.update(ends)

    def _look(self) -> None:
        """Tell of dead deliveries what was held back, and how many endpoints are failing."""
        before = self._clock.now() - WINDOW
        silenced = self._store.silenced(before=before, limit=_SILENCED_MAX)
        if silenced:
            self._observe({endpoint_id: [] for endpoint_id in silenced}, [])
        ENDPOINTS_FAILING.set(self._store.failing_count())

    def _observe(
        self, of_endpoint: Mapping[str, Sequence[Met]], moves: Sequence[OffsetMove]
    ) -> None:
        now = self._clock.now()
        found = _Round(of_endpoint, rules=self._rules, now=now)
        self._store.observe(of_endpoint.keys(), found.judge, at=now, moves=moves, reader=READER)
        for health in found.moved:
            self._log(
                f"endpoint.{_WORDS[health.state]}",
                endpoint=health.endpoint_id,
                tenant=health.tenant,
                consecutive_failures=health.consecutive_failures,
            )
        for endpoint_id, revision in found.hopeless.items():
            self._disable(endpoint_id, revision)
        if found.hopeless or found.tells:
            self.ring()

    def _disable(self, endpoint_id: str, revision: int) -> None:
        def decide(kept: KeptEndpoint) -> Endpoint | None:
            # Only the revision that was judged: who changed it since has seen to it.
            if kept.endpoint.revision != revision:
                return None
            return moved_revision(kept.endpoint, Cause.DISABLE, reason=FAILING)

        try:
            kept = self._store.change_endpoint(endpoint_id, decide, at=self._clock.now())
        except NotFound:
            return
        if kept.endpoint.revision != revision + 1 or kept.endpoint.state_reason != FAILING:
            return
        self._log(
            "endpoint.disabled",
            level="warning",
            endpoint=endpoint_id,
            tenant=kept.endpoint.tenant,
            reason=kept.endpoint.state_reason,
        )


class _Round:
    """What one batch of attempts changes."""

    def __init__(
        self, of_endpoint: Mapping[str, Sequence[Met]], *, rules: Rules, now: datetime
    ) -> None:
        self._of_endpoint, self._rules, self._now = of_endpoint, rules, now
        # Those whose state moved, those to disable with the revision judged, whether to wake.
        self.moved: list[Health] = []
        self.hopeless: dict[str, int] = {}
        self.tells = False

    def judge(self, watched: Mapping[str, Watched]) -> list[Observation]:
        """Judge each endpoint."""
        return [self._judge(endpoint_id, one) for endpoint_id, one in watched.items()]

    def _judge(self, endpoint_id: str, one: Watched) -> Observation:
        attempts = self._of_endpoint[endpoint_id]
        health, events = observed(one.health, attempts, rules=self._rules, now=self._now)
        self.tells = self.tells or bool(events)
        if health.state is not one.health.state:
            self.moved.append(health)
        if one.state in _ALIVE and is_hopeless(health, self._rules):
            self.hopeless[endpoint_id] = one.revision
        return Observation(health=health, events=events)


def met_of(value: Value) -> Met:
    """Read what an Attempt record says of its endpoint.

    Raises:
        BrokenContract: its time is none.
    """
    at_ms = value["started_at"]
    if not 0 <= at_ms <= _TIME_MS_MAX:
        raise BrokenContract(f"{at_ms} is not a time in unix milliseconds")
    return Met(
        value["attempt_id"],
        value["delivery_id"],
        value["event_id"],
        value["type"],
        at_ms,
        # One that this release does not know says nothing.
        _OUTCOMES.get(value["outcome"], Outcome.NONE),
        value["status"],
        value["timings"]["total_ms"],
        value["number"],
        value["verdict"] == "dead",
        value["reason"],
    )
