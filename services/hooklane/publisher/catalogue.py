"""The event types that can be published: their schemas and topics, looked up once and kept.

Asks the schema registry and Kafka; both only for what is not known. A version never changes; which
one is the latest is asked again after a while, and what was the latest is used on while the
registry is away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import fastavro

from hooklane.adapters.ports import Admin, Clock
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.domain.avro_schema import full_name, namespace_of
from hooklane.domain.errors import BrokenContract, Invalid, NotFound, Unavailable
from hooklane.domain.subscription import is_event_type
from hooklane.publisher.shape import Shape

# Another version may have been registered since.
LATEST_KNOWN_FOR_S = 60.0
# How long a registry that is away is left alone where there is something to use.
ASKED_AGAIN_AFTER_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A schema ready to write with, and until when it counts as the latest."""

    version: int
    schema_id: int
    shape: Shape
    parsed: Any
    topic: str
    until: float


class Catalogue:
    """What can be published; `find` is used by one thread at a time."""

    def __init__(
        self,
        registry: SchemaRegistry,
        admin: Admin,
        *,
        clock: Clock,
        latest_known_for_s: float = LATEST_KNOWN_FOR_S,
    ) -> None:
        """Begin empty; needs no network until something is to be found."""
        self._registry, self._admin, self._clock = registry, admin, clock
        self._latest_known_for_s = latest_known_for_s
        self._known: dict[tuple[str, int | None], Ready] = {}
        self._topics: frozenset[str] = frozenset()

    def fresh(self, event_type: str, version: int | None) -> Ready | None:
        """Give what is known and need not be asked again; asks nobody, from any thread."""
        known = self._known.get((event_type, version))
        if known is not None and (version is not None or self._clock.monotonic() < known.until):
            return known
        return None

    def find(self, event_type: str, version: int | None) -> Ready:
        """Give a version of an event type, by default the latest.

        Raises:
            Invalid: it is no event type.
            NotFound: the registry has no such type or version, or Kafka no topic for it.
            BrokenContract: the registry has something else under its name.
            Unavailable: registry or Kafka can't be asked now.
        """
        fresh = self.fresh(event_type, version)
        if fresh is not None:
            return fresh
        known = self._known.get((event_type, version))
        try:
            found = self._look_up(event_type, version)
        except Unavailable:
            if known is None:
                raise
            found = replace(known, until=self._clock.monotonic() + ASKED_AGAIN_AFTER_S)
        self._known[event_type, version] = found
        return found

    def _look_up(self, event_type: str, version: int | None) -> Ready:
        if not is_event_type(event_type):
            raise Invalid(f"{event_type[:80]!r} is no event type such as order.created")
        what = event_type if version is None else f"{event_type} version {version}"
        try:
            found = self._registry.version(event_type, version)
        except NotFound:
            raise NotFound(f"event type {what} is not in the schema registry") from None
        if not isinstance(found.schema, dict) or full_name(found.schema, "") != event_type:
            raise BrokenContract(f"the registry's subject {event_type} holds another record")
        return Ready(
            version=found.version,
            schema_id=found.schema_id,
            shape=Shape(found.schema),
            parsed=fastavro.parse_schema(found.schema),
            topic=self._topic(event_type),
            until=self._clock.monotonic() + self._latest_known_for_s,
        )

    def _topic(self, event_type: str) -> str:
        topic = f"events.{namespace_of(event_type)}"
        if topic not in self._topics:
            self._topics = frozenset(self._admin.topics())
        if topic not in self._topics:
            raise NotFound(f"topic {topic}; `hooklane schemas register` creates it")
        return topic
