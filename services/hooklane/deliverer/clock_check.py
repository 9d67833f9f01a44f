"""How far our clock is from the brokers': `not-before` is kept on ours, tiers run on theirs.

Two looks. Every record read tells when our clock is behind: none was appended in our future. Once a
minute a record of our own, written and read back, tells both ways: its append lies between our
times before the write and after it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hooklane.adapters import metrics
from hooklane.adapters.ports import Clock, Reader, Record
from hooklane.domain.delivery import to_ms
from hooklane.domain.topics import Partition

LOG_APPEND_TIME = 2
ALARM_S, NOT_READY_S, WINDOW_S = 1.0, 5.0, 60.0
PROBE_TIMEOUT_S = 1.0
_READ_MAX = 1_000


class ClockCheck:
    """Keeps the newest known difference, in seconds; positive: our clock is ahead.

    Args:
        reader: reads the positions topic; owned.
        topic: `Topics.positions`.
        instance: our key in it.
        write: writes our position there and waits until it is acknowledged.
    """

    def __init__(
        self,
        reader: Reader,
        topic: str,
        *,
        instance: str,
        write: Callable[[], None],
        clock: Clock,
    ) -> None:
        """Begin in agreement."""
        self._reader, self._partition = reader, Partition(topic, 0)
        self._key, self._write, self._clock = instance.encode(), write, clock
        self._skew_s, self._seen_at = 0.0, float("-inf")

    def saw(self, record: Record) -> None:
        """Compare with a record just read."""
        kind, appended_ms = record.timestamp()
        behind_s = (appended_ms - to_ms(self._clock.now())) / 1_000
        if kind != LOG_APPEND_TIME or behind_s <= 0:
            return
        if behind_s > -self._skew_s or self._clock.monotonic() - self._seen_at > WINDOW_S:
            self._set(-behind_s)

    def look(self) -> None:
        """Write a record of our own and compare.

        Raises:
            Unavailable: it could not be written or read.
        """
        _, end = self._reader.ends(self._partition)
        self._reader.start({self._partition: end})
        before_ms = to_ms(self._clock.now())
        self._write()
        after_ms = to_ms(self._clock.now())
        deadline = self._clock.monotonic() + PROBE_TIMEOUT_S
        while self._clock.monotonic() < deadline:
            for record in self._reader.read(_READ_MAX, timeout=timedelta(milliseconds=50)):
                if record.key() == self._key:
                    _, appended_ms = record.timestamp()
                    ahead_ms = max(0, before_ms - appended_ms)
                    behind_ms = max(0, appended_ms - after_ms)
                    self._set((ahead_ms - behind_ms) / 1_000)
                    return

    def _set(self, skew_s: float) -> None:
        self._skew_s, self._seen_at = skew_s, self._clock.monotonic()
        metrics.CLOCK_SKEW.set(skew_s)

    def alarm(self) -> str | None:
        """Say how far off the clock is, if that is worth a line."""
        return self._text() if abs(self._skew_s) >= ALARM_S else None

    def not_ready(self) -> str | None:
        """Say that the clock is too far off to keep due times."""
        return self._text() if abs(self._skew_s) >= NOT_READY_S else None

    def _text(self) -> str:
        way = "ahead of" if self._skew_s > 0 else "behind"
        return f"our clock is {abs(self._skew_s):.1f} s {way} the brokers'"
