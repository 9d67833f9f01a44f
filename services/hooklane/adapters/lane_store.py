"""What control asks of SQL for endpoints' lanes: who has one of its own, and which are to go.

A lane that no revision names any more is remembered until its topic is deleted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from hooklane.domain.health import Health

if TYPE_CHECKING:  # that module tells this one's names on
    from hooklane.adapters.store import KeptEndpoint


class LaneStore(Protocol):
    """What placing asks of SQL."""

    def moved_endpoints(self) -> list[KeptEndpoint]:
        """Give endpoints, not deleted, that had other lanes which are not gone yet."""

    def own_lanes(self) -> int:
        """Count endpoints, not deleted, that have a lane of their own."""

    def pooled_health(self, *, since: datetime) -> list[Health]:
        """Give the health, where it changed since then, of active endpoints in the pool.

        Those that were placed there by hand are left out.
        """

    def pooled_counts(self) -> dict[int, int]:
        """Count endpoints, not deleted, that share the pool, by its partition."""

    def quiet_endpoints(self, *, since: datetime, limit: int) -> list[str]:
        """Give endpoints with a lane of their own that they need not, quiet at least so long.

        They are active and unordered, nobody placed them, they did not change and succeeded last;
        the quietest first.
        """

    def forget_lanes(self, endpoint_id: str, lanes: Collection[str], *, at: datetime) -> None:
        """Note that these lanes' topics are no more."""
