"""Which lanes there are: the placements of all endpoints, as the table tells of them."""

from __future__ import annotations

from hooklane.domain.endpoint import Endpoint, Placement


class Lanes:
    """Follows the endpoint table; collects its changes for the loop's side."""

    def __init__(self) -> None:
        """Begin with none."""
        self._placements: dict[str, Placement] = {}
        self._endpoints: dict[str, str] = {}
        self._changes: dict[str, Endpoint | None] = {}
        self._topics: frozenset[str] | None = None

    def changed(self, endpoint_id: str, endpoint: Endpoint | None) -> None:
        """Take a change of the table in."""
        self._changes[endpoint_id] = endpoint
        before = self._placements.get(endpoint_id)
        after = None if endpoint is None else endpoint.placement
        if before == after:
            return
        self._topics = None
        if before is not None:
            del self._placements[endpoint_id]
            self._endpoints.pop(before.topic, None)
        if after is not None:
            self._placements[endpoint_id] = after
            self._endpoints[after.topic] = endpoint_id

    def take_changes(self) -> list[tuple[str, Endpoint | None]]:
        """Give what changed since the last call, the newest of each endpoint."""
        changes, self._changes = self._changes, {}
        return list(changes.items())

    def topics(self) -> frozenset[str]:
        """Give the lanes' topics."""
        if self._topics is None:
            self._topics = frozenset(p.topic for p in self._placements.values())
        return self._topics

    def endpoint_of(self, topic: str) -> str:
        """Give the endpoint whose lane this is; empty where it lost it meanwhile."""
        return self._endpoints.get(topic, "")
