"""What a deliverer does now and then: commit idle lanes, trim, measure, watch the clock.

A lane's position behind its last record (transaction markers) is committed once it is drained, so
that lag reads 0; every lane at its first assignment and daily, so that no commit ever ages away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from hooklane.adapters import metrics
from hooklane.adapters.codec import codec
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Clock, Member
from hooklane.deliverer.clock_check import ClockCheck
from hooklane.deliverer.flow import Flow
from hooklane.deliverer.reading import Checkpoint, Reading
from hooklane.deliverer.sending import Sending
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition

TIDY_S, MEASURE_S, TRIM_S, CLOCK_S, ALARM_S = 1.0, 10.0, 60.0, 60.0, 30.0
STOPPED_S = 60.0
COMMIT_AGE_S_MAX = 20 * 3_600.0
TRIMMED_AT_ONCE_MAX = 100


class Upkeep:
    """Runs on the poll thread, between two rounds."""

    def __init__(
        self,
        member: Member,
        admin: Admin,
        *,
        clock: Clock,
        clock_check: ClockCheck,
        lane_keep: timedelta,
        log: Log,
    ) -> None:
        """Begin with everything due."""
        self._member, self._admin, self._clock = member, admin, clock
        self._lane_keep, self._log = lane_keep, log
        self.clock_check = clock_check
        self._done_at: dict[str, float] = {}

    def do(self, readings: Mapping[Partition, Reading], sending: Sending, *, flow: Flow) -> None:
        """Do what is due."""
        if self._is_due("tidy", TIDY_S):
            self._tidy(readings)
            self._gauge(readings, sending, flow)
            self._tell_stopped(flow.stopped(readings.values()))
            if (text := self.clock_check.alarm()) is not None:
                self.alarm("clock.skewed", text=text)
        if self._is_due("trim", min(TRIM_S, self._lane_keep.total_seconds())):
            self._trim(readings)
        if self._is_due("clock", CLOCK_S):
            self._look_at_clock()
        if self._is_due("measure", MEASURE_S):
            self._measure(readings)

    def _look_at_clock(self) -> None:
        try:
            self.clock_check.look()
        except Unavailable as error:
            self._log("clock.unknown", level="warning", error=str(error))

    def alarm(self, what: str, **fields: Any) -> None:
        """Write an alarm's line, twice a minute at most."""
        if self._is_due(what, ALARM_S):
            self._log(what, level="error", **fields)

    def _tell_stopped(self, stopped: Collection[Reading]) -> None:
        """Name the ordered lanes that stand still, and which delivery each waits for."""
        metrics.LANES_AT_SPAN.set(len(stopped))
        for reading in stopped:
            lane, offset = reading.lane, reading.tracker.prefix
            head = None if lane.order is None else lane.order.head_at(offset)
            if head is None or not self._is_due(f"lane.at_span {lane.partition}", STOPPED_S):
                continue
            self._log(
                "lane.at_span",
                level="error",
                text="ordered lane at its span: nothing is read past a delivery that fails",
                lane=lane.partition.topic,
                endpoint=lane.endpoint_id,
                delivery=codec("delivery").decode(head.value())["delivery_id"],
                offset=offset,
                attempts=reading.parked[offset].attempts_made,
            )

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
            passed_over = reading.paused or reading.resume_at is not None
            if reading.tracker.open_count == 0 and not passed_over:
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
        metrics.KEYS_PARKED.set(sum(len(reading.still_parked()) for reading in readings.values()))
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
