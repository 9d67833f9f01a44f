"""Which lanes are fetched: how one lane's backlog stays bounded and out of the others' way.

Records read ahead share one buffer. A lane that is at its own limit, that waits for somebody else,
or that the buffer is full of while it moves slowly, is paused: it keeps about a second's work of
its present pace, forgets the rest (those offsets stay open) and reads it again later. Paused lanes
do not count for the buffer, so the others go on.
"""

from __future__ import annotations

from collections.abc import Collection

from hooklane.adapters.ports import Clock, Member
from hooklane.deliverer.crossing import Crossing
from hooklane.deliverer.reading import Reading
from hooklane.deliverer.sending import Sending
from hooklane.deliverer.settings import DelivererSettings

SAMPLE_S = 0.25
KEPT_MIN, RESUMED_BELOW_MIN = 64, 16
KEPT_BYTES_MAX = 1024 * 1024
KEPT_S, PAUSED_ABOVE_S, RESUMED_BELOW_S = 1.0, 0.4, 0.2
CUT_SHARE = 0.98


def kept(pace: float | None, *, records_max: int) -> int:
    """Say how many records a paused lane keeps: a second's work, at least 64."""
    return min(records_max, max(KEPT_MIN, int((pace or 0) * KEPT_S)))


def must_pause(reading: Reading, *, settings: DelivererSettings, buffer_full: bool) -> bool:
    """Tell whether a lane is to be paused now."""
    buffered = reading.buffered
    if buffered >= settings.lane_buffered_records_max or reading.resume_at is not None:
        return True
    if reading.lane.pending_bytes >= settings.lane_buffered_bytes_max:
        return True
    if reading.tracker.span >= settings.span_max:
        return True
    if reading.waits:
        return buffered > KEPT_MIN
    slow = reading.pace is not None and buffered > reading.pace * PAUSED_ABOVE_S
    return buffer_full and slow and buffered > KEPT_MIN


def may_resume(reading: Reading, *, settings: DelivererSettings) -> bool:
    """Tell whether a paused lane is to be read again."""
    if reading.forgetting or reading.tracker.span >= settings.span_max * 9 // 10:
        return False
    pace = 0 if reading.waits else reading.pace or 0
    # Not above half of what it keeps, else it would be paused again at once.
    half = settings.lane_buffered_records_max // 2
    return reading.buffered < max(RESUMED_BELOW_MIN, min(half, int(pace * RESUMED_BELOW_S)))


class Flow:
    """Pauses and resumes lanes."""

    def __init__(
        self,
        member: Member,
        crossing: Crossing,
        *,
        clock: Clock,
        settings: DelivererSettings,
    ) -> None:
        """Begin with nothing paused."""
        self._member, self._crossing = member, crossing
        self._clock, self._settings = clock, settings
        self._sampled_at = clock.monotonic()

    def buffered(self, readings: Collection[Reading]) -> int:
        """Count the records in the shared buffer."""
        return sum(r.buffered for r in readings if not r.paused and not r.waits)

    def regulate(self, readings: Collection[Reading], sending: Sending) -> bool:
        """Pause and resume what must be; tell whether there is room to read more."""
        self._sample(readings)
        full = self.buffered(readings) >= self._settings.buffered_records_max
        pausing, resuming = [], []
        for reading in readings:
            if reading.lane.closed:
                continue
            if not reading.paused:
                if must_pause(reading, settings=self._settings, buffer_full=full):
                    pausing.append(reading)
            else:
                self._cut_head(reading, sending)
                if may_resume(reading, settings=self._settings):
                    resuming.append(reading)
        if pausing:
            self._pause(pausing, sending)
            full = self.buffered(readings) >= self._settings.buffered_records_max
        if resuming:
            self._resume(resuming)
        return not full

    def _pause(self, pausing: list[Reading], sending: Sending) -> None:
        self._member.pause([reading.partition for reading in pausing])
        for reading in pausing:
            reading.paused = reading.forgetting = True
            pace = 0 if reading.waits else reading.pace
            records_max = self._settings.lane_buffered_records_max
            self._crossing.call(
                sending.forget,
                reading.lane,
                keep=kept(pace, records_max=records_max),
                keep_bytes=KEPT_BYTES_MAX,
            )

    def _resume(self, resuming: list[Reading]) -> None:
        for reading in resuming:
            if reading.resume_at is not None:
                self._member.seek(reading.partition, reading.resume_at)
                reading.resume_at = None
            reading.paused = False
        self._member.resume([reading.partition for reading in resuming])

    def _cut_head(self, reading: Reading, sending: Sending) -> None:
        """Cut the one POST that keeps a lane of finished ones from moving on."""
        tracker = reading.tracker
        if tracker.span >= self._settings.span_max and tracker.finished_share() >= CUT_SHARE:
            self._crossing.call(sending.cut_head, reading.lane, tracker.prefix)

    def _sample(self, readings: Collection[Reading]) -> None:
        now = self._clock.monotonic()
        elapsed = now - self._sampled_at
        if elapsed < SAMPLE_S:
            return
        self._sampled_at = now
        for reading in readings:
            begun, busy = reading.lane.begun, reading.buffered > 0
            if busy and reading.was_busy:
                reading.pace = (begun - reading.begun_before) / elapsed
            elif not busy:
                reading.pace = None
            reading.begun_before, reading.was_busy = begun, busy
