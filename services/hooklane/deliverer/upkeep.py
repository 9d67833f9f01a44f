"""What a deliverer does now and then: commit idle lanes, trim, measure, watch the clock.

A lane's position behind its last record (transaction markers) is committed once it is drained, so
that lag reads 0; every lane at its first assignment and daily, so that no commit ever ages away.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hooklane.adapters import metrics
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Clock, Member, Record
from hooklane.deliverer.flow import Flow
from hooklane.deliverer.reading import Checkpoint, Reading
from hooklane.deliverer.sending import Sending
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition

TIDY_S, MEASURE_S, TRIM_S, ALARM_S = 1.0, 10.0, 60.0, 30.0
COMMIT_AGE_S_MAX = 20 * 3_600.0
TRIMMED_AT_ONCE_MAX = 100
LOG_APPEND_TIME = 2


class ClockCheck:
    """How far our clock is behind the brokers': a record can't have been appended in our future."""

    ALARM_S, NOT_READY_S, WINDOW_S = 1.0, 5.0, 60.0

    def __init__(self, *, clock: Clock) -> None:
        """Begin in agreement."""
        self._clock = clock
        self._behind_s, self._seen_at = 0.0, float("-inf")

    def saw(self, record: Record) -> None:
        """Compare with a record just read."""
        kind, appended_ms = record.timestamp()
        behind_s = (appended_ms - to_ms(self._clock.now())) / 1_000
        now = self._clock.monotonic()
        if kind == LOG_APPEND_TIME and (
            behind_s > self._behind_s or now - self._seen_at > self.WINDOW_S
        ):
            self._behind_s, self._seen_at = max(0.0, behind_s), now
            metrics.CLOCK_SKEW.set(-self._behind_s)

    @property
    def alarming(self) -> bool:
        """Tell whether the difference is one to be told."""
        return self._behind_s >= self.ALARM_S

    def not_ready(self) -> str | None:
        """Say that the clock is too far off to keep `not-before`."""
        if self._behind_s < self.NOT_READY_S:
            return None
        return f"our clock is {self._behind_s:.1f} s behind the brokers'"


class Upkeep:
    """Runs on the poll thread, between two rounds."""

    def __init__(
        self, member: Member, admin: Admin, *, clock: Clock, lane_keep: timedelta, log: Log
    ) -> None:
        """Begin with everything due."""
        self._member, self._admin, self._clock = member, admin, clock
        self._lane_keep, self._log = lane_keep, log
        self.clock_check = ClockCheck(clock=clock)
        self._done_at: dict[str, float] = {}

    def do(self, readings: Mapping[Partition, Reading], sending: Sending, *, flow: Flow) -> None:
        """Do what is due."""
        if self._is_due("tidy", TIDY_S):
            self._tidy(readings)
            self._gauge(readings, sending, flow)
            if self.clock_check.alarming:
                self.alarm("clock.behind", text=self.clock_check.not_ready())
        if self._is_due("trim", min(TRIM_S, self._lane_keep.total_seconds())):
            self._trim(readings)
        if self._is_due("measure", MEASURE_S):
            self._measure(readings)

    def alarm(self, what: str, **fields: Any) -> None:
        """Write an alarm's line, twice a minute at most."""
        if self._is_due(what, ALARM_S):
            self._log(what, level="error", **fields)

    def _is_due(self, what: str, seconds: float) -> bool:
        now = self._clock.monotonic()
        if now - self._done_at.get(what, float("-inf")) < seconds:
            return False
        self._done_at[what] = now
        return True

    def _tidy(self, readings: Mapping[Partition, Reading]) -> None:
        now = self._clock.monotonic()
        offsets = {}
        for reading in readings.values():
            # What is settled and not yet recorded must not be committed without its records.
            if reading.dirty:
                continue
            if reading.tracker.open_count == 0 and not reading.paused:
                reading.tracker.advance(self._member.position(reading.partition) or 0)
            if reading.checkpoint is None:
                reading.checkpoint = self._checkpoint(reading)
            committed, at = reading.committed, reading.committed_at
            fresh = at is not None and now - at < COMMIT_AGE_S_MAX
            if fresh and committed and committed.offset == reading.tracker.prefix:
                continue
            offsets[reading.partition] = reading.commit()
        if offsets:
            self._member.commit(offsets)
            for partition, committed in offsets.items():
                readings[partition].committed_now(committed, at=now)

    def _checkpoint(self, reading: Reading) -> Checkpoint:
        return Checkpoint(offset=reading.tracker.prefix, at=self._clock.now())

    def _trim(self, readings: Mapping[Partition, Reading]) -> None:
        """Delete what has been finished for long."""
        now, before = self._clock.now(), {}
        for reading in readings.values():
            ripe = reading.checkpoint
            committed = reading.committed
            if ripe is None or committed is None or reading.committed_at is None:
                continue
            if ripe.is_ripe(now=now, keep=self._lane_keep) and ripe.offset <= committed.offset:
                if ripe.offset > 0:
                    before[reading.partition] = ripe.offset
                reading.checkpoint = Checkpoint(offset=committed.offset, at=now)
                # Written with the next commit, which is now due.
                reading.committed_at = None
            if len(before) >= TRIMMED_AT_ONCE_MAX:
                break
        if not before:
            return
        try:
            self._admin.delete_records(before)
        except Unavailable as error:
            self._log("lanes.untrimmed", level="warning", error=str(error))

    def _gauge(self, readings: Mapping[Partition, Reading], sending: Sending, flow: Flow) -> None:
        metrics.IN_FLIGHT.set(sending.load.in_flight)
        metrics.BUFFERED.set(flow.buffered(readings.values()))
        metrics.LANES_ASSIGNED.set(len(readings))
        metrics.LANES_HELD.set(sum(reading.waits for reading in readings.values()))

    def _measure(self, readings: Mapping[Partition, Reading]) -> None:
        """Ask the brokers how much is unfinished."""
        try:
            ends = self._admin.ends(list(readings)) if readings else {}
        except Unavailable:
            return
        lags = [
            max(0, end - readings[partition].tracker.prefix) for partition, (_, end) in ends.items()
        ]
        metrics.LANE_LAG.set(sum(lags))
        metrics.LANE_LAG_MAX.set(max(lags, default=0))
