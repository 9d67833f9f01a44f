"""How much is under way in all, and whether anything more may start.

Four limits end every lane's starts together: open POSTs, their bytes, the bytes of what is settled
and not committed, and the age of the oldest of it. The last two stop a deliverer whose commits do
not get through before another owner could do all of it again.
"""

from __future__ import annotations

from hooklane.adapters.ports import Clock
from hooklane.deliverer.settings import DelivererSettings


class Load:
    """What is open and what is uncommitted."""

    def __init__(self, *, clock: Clock, settings: DelivererSettings) -> None:
        """Begin with nothing under way."""
        self._clock, self._settings = clock, settings
        self._uncommitted_s_max = settings.uncommitted_ms_max / 1_000
        self.in_flight = 0
        self.in_flight_bytes = 0
        self.uncommitted = 0
        self.uncommitted_bytes = 0
        self._since: float | None = None

    @property
    def full(self) -> bool:
        """Tell whether nothing more may start."""
        settings = self._settings
        return (
            self.in_flight >= settings.in_flight_max
            or self.in_flight_bytes >= settings.in_flight_bytes_max
            or self.is_backed_up
        )

    @property
    def is_backed_up(self) -> bool:
        """Tell whether commits do not keep up with what is settled."""
        return self.uncommitted_bytes >= self._settings.uncommitted_bytes_max or self.overdue

    @property
    def overdue(self) -> bool:
        """Tell whether a commit is outstanding for too long."""
        since = self._since
        return since is not None and self._clock.monotonic() - since >= self._uncommitted_s_max

    def begun(self, size: int) -> None:
        """Count a POST that starts."""
        self.in_flight += 1
        self.in_flight_bytes += size

    def ended(self, size: int) -> None:
        """Count a POST that ended."""
        self.in_flight -= 1
        self.in_flight_bytes -= size

    def settled(self, size: int) -> None:
        """Count a settled delivery that waits for its commit."""
        self.uncommitted += 1
        self.uncommitted_bytes += size
        if self._since is None:
            self._since = self._clock.monotonic()

    def committed(self, count: int, size: int, *, since: float) -> None:
        """Count committed ones off; what is left was settled after `since`."""
        self.uncommitted -= count
        self.uncommitted_bytes -= size
        self._since = since if self.uncommitted else None
