"""Which lanes are fetched: how one lane's backlog stays bounded and out of the others' way.

Records read ahead share one buffer. A lane that waits for somebody else, or has read ahead more
than it works off soon, is paused and does not count for the buffer, so the others go on. What lanes
hold in all is bounded too: beyond it the paused ones forget what they will not begin within a
second (those offsets stay open) and read it again later.

How fast a lane works is judged by what its endpoint can take (in-flight limit over latency), not by
what it got: a lane that is short of records because of us must not look slow.
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
LATENCY_S_MIN = 0.001


def kept(reading: Reading) -> int:
    """Say how many records a lane keeps when it must forget: a second's work, at least 64."""
    return KEPT_MIN if reading.waits else int(max(KEPT_MIN, reading.pace * KEPT_S))


def is_at_span(reading: Reading, *, settings: DelivererSettings) -> bool:
    """Tell whether a lane that was paused for its span still has to wait for its oldest one."""
    return reading.tracker.span >= settings.span_max * 9 // 10


def must_pause(
    reading: Reading, *, settings: DelivererSettings, share: int | None, alone: bool
) -> bool:
    """Tell whether a lane is to be paused now.

    Args:
        reading: the lane, not paused.
        settings: the limits.
        share: where the buffer is full, how much of it is each lane's; None where it is not.
        alone: no other lane is read.
    """
    buffered = reading.buffered - reading.lane.aside
    if reading.resume_at is not None:
        return True
    if reading.tracker.span >= settings.span_max and not reading.rereads:
        return True
    if reading.lane.pending_bytes >= settings.lane_buffered_bytes_max:
        return True
    if buffered <= KEPT_MIN:
        return False
    if reading.waits:
        return True
    # However fast it is: one lane never takes more than half of the buffer from others.
    if buffered > settings.buffered_records_max // 2 and not alone:
        return True
    slow = buffered > reading.pace * PAUSED_ABOVE_S
    above_share = share is not None and buffered > 2 * share
    return slow and (above_share or buffered >= settings.lane_buffered_records_max)


def may_resume(reading: Reading, *, settings: DelivererSettings) -> bool:
    """Tell whether a paused lane is to be read again."""
    if reading.forgetting or (is_at_span(reading, settings=settings) and not reading.rereads):
        return False
    pace = 0 if reading.waits else reading.pace
    # Not above half of what it keeps, else it would be paused again at once.
    half = settings.lane_buffered_records_max // 2
    buffered = reading.buffered - reading.lane.aside
    return buffered < max(RESUMED_BELOW_MIN, min(half, int(pace * RESUMED_BELOW_S)))


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

    def stopped(self, readings: Collection[Reading]) -> list[Reading]:
        """Give the ordered lanes that one failing delivery keeps from being read on."""
        return [
            reading
            for reading in readings
            if reading.paused
            and reading.tracker.prefix in reading.parked
            and is_at_span(reading, settings=self._settings)
        ]

    def buffered(self, readings: Collection[Reading]) -> int:
        """Count the records in the shared buffer."""
        return sum(r.buffered for r in readings if not r.paused and not r.waits)

    def regulate(self, readings: Collection[Reading], sending: Sending) -> bool:
        """Pause and resume what must be; tell whether there is room to read more."""
        self._sample(readings)
        running = [r for r in readings if not r.paused and not r.lane.closed]
        paused = [r for r in readings if r.paused and not r.lane.closed]
        room, share = self._room(running)
        alone = len(readings) == 1
        pausing = [
            reading
            for reading in running
            if must_pause(
                reading, settings=self._settings, share=None if room else share, alone=alone
            )
        ]
        if pausing:
            self._member.pause([reading.partition for reading in pausing])
            for reading in pausing:
                reading.paused = True
            room, _ = self._room(running)
        for reading in paused:
            self._cut_head(reading, sending)
        self._forget((*paused, *pausing), sending)
        resuming = [r for r in paused if may_resume(r, settings=self._settings)]
        if resuming:
            self._resume(resuming)
        return room

    def _room(self, running: Collection[Reading]) -> tuple[bool, int]:
        buffer = self._settings.buffered_records_max
        return self.buffered(running) < buffer, buffer // max(1, len(running))

    def _forget(self, paused: Collection[Reading], sending: Sending) -> None:
        """Have lanes forget: those over their own limit in bytes, all where too much is held."""
        settings = self._settings
        held = sum(reading.buffered for reading in paused)
        held_bytes = sum(reading.lane.pending_bytes for reading in paused)
        too_much = held > settings.held_records_max or held_bytes > settings.held_bytes_max
        for reading in paused:
            keep, size = kept(reading), reading.lane.pending_bytes
            over = size >= settings.lane_buffered_bytes_max
            if reading.forgetting or not (over or (too_much and reading.buffered > keep)):
                continue
            reading.forgetting = True
            self._crossing.call(sending.forget, reading.lane, keep=keep, keep_bytes=KEPT_BYTES_MAX)

    def _resume(self, resuming: list[Reading]) -> None:
        for reading in resuming:
            if reading.resume_at is not None:
                self._member.seek(reading.partition, reading.resume_at)
                reading.read_to, reading.resume_at = reading.resume_at, None
        self._member.resume([reading.partition for reading in resuming])
        # Only now: a seek may be refused, and what counts as running nobody resumes again.
        for reading in resuming:
            reading.paused = False

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
            lane = reading.lane
            if lane.ended != reading.ended_before or not lane.flights:
                reading.ended_before, reading.quiet_s = lane.ended, 0.0
            else:
                reading.quiet_s += elapsed
            latency_s = max(lane.latency_ms / 1_000, reading.quiet_s, LATENCY_S_MIN)
            reading.pace = min(lane.in_flight_max / latency_s, lane.rate_per_s)
