"""When to start again what died: the supervisor's one decision, apart from its I/O.

Promises: the first restart is quick (a transactional id that is back at once keeps its lanes
readable), those that follow double up to a limit, and a program that ran well for a while is
forgiven its past.
"""

from dataclasses import dataclass
from datetime import timedelta

FIRST_DELAY = timedelta(milliseconds=200)
DELAY_MAX = timedelta(seconds=10)
FORGIVEN_AFTER = timedelta(seconds=30)
DOUBLINGS_MAX = 16  # far beyond DELAY_MAX; keeps the number small


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """How often in a row a program died young."""

    in_a_row: int = 0

    def after(self, ran_for: timedelta) -> "Restarts":
        """Count one more end of a program that had run for `ran_for`."""
        return Restarts(in_a_row=1 if ran_for >= FORGIVEN_AFTER else self.in_a_row + 1)

    @property
    def delay(self) -> timedelta:
        """How long to wait before the next start."""
        if self.in_a_row == 0:
            return timedelta(0)
        doublings = min(self.in_a_row - 1, DOUBLINGS_MAX)
        return min(FIRST_DELAY * (1 << doublings), DELAY_MAX)
