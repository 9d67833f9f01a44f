"""A clock that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hooklane.domain.delivery import to_ms

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock:
    """Time under the owner's hand; sleeping moves it on at once."""

    def __init__(self, now: datetime = _BEGINNING) -> None:
        """Begin at an instant, aware UTC."""
        self._began = self._now = now

    def now(self) -> datetime:
        """Give the wall time."""
        return self._now

    def now_ms(self) -> int:
        """Give the wall time as unix milliseconds."""
        return to_ms(self._now)

    def monotonic(self) -> float:
        """Give seconds since the beginning."""
        return (self._now - self._began).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.advance(timedelta(seconds=seconds))

    def advance(self, span: timedelta) -> None:
        """Move on."""
        assert span >= timedelta(0), "time does not go back"
        self._now += span
