"""Which lanes there are: where endpoints have their place and had it, as the table tells of them.

A lane that an endpoint had is read until control takes it out of the endpoint's record: drained.
"""

from __future__ import annotations

from collections import Counter

from hooklane.domain.endpoint import Endpoint, Placement
from hooklane.domain.topics import Partition


class Lanes:
    """Follows the endpoint table; collects its changes for the loop's side."""

    def __init__(self) -> None:
        """Begin with none."""
        # The newest place first.
        self._places: dict[str, tuple[Placement, ...]] = {}
        self._used: Counter[str] = Counter()
        # Of a lane that only one endpoint ever has: the last one that did.
        self._endpoints: dict[str, str] = {}
        self._changes: dict[str, Endpoint | None] = {}
        self._topics: frozenset[str] | None = None

    def changed(self, endpoint_id: str, endpoint: Endpoint | None) -> None:
        """Take a change of the table in."""
        self._changes[endpoint_id] = endpoint
        before, after = self._places.get(endpoint_id, ()), _places(endpoint)
        if before == after:
            return
        self._topics = None
        self._used.update(place.topic for place in after)
        self._used.subtract(place.topic for place in before)
        for topic in {place.topic for place in before if not self._used[place.topic]}:
            del self._used[topic]
            self._endpoints.pop(topic, None)
        if after:
            self._places[endpoint_id] = after
            self._endpoints.update((place.topic, endpoint_id) for place in after)
        else:
            del self._places[endpoint_id]

    def take_changes(self) -> list[tuple[str, Endpoint | None]]:
        """Give what changed since the last call, the newest of each endpoint."""
        changes, self._changes = self._changes, {}
        return list(changes.items())

    def topics(self) -> frozenset[str]:
        """Give the lanes' topics, the pool's where anybody has or had a place in it."""
        if self._topics is None:
            self._topics = frozenset(self._used)
        return self._topics

    def endpoint_of(self, topic: str) -> str:
        """Give the endpoint whose own lane this is; empty where it lost it meanwhile."""
        return self._endpoints.get(topic, "")

    def is_of(self, partition: Partition, endpoint_id: str) -> bool:
        """Tell whether an endpoint has its place here now."""
        places = self._places.get(endpoint_id)
        return places is not None and (places[0].topic, places[0].partition) == partition


def _places(endpoint: Endpoint | None) -> tuple[Placement, ...]:
    if endpoint is None or endpoint.placement is None:
        return ()
    return (endpoint.placement, *endpoint.former)
