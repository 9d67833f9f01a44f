"""Operational events on their way: from what SQL owes to ordinary records of `events.<prefix>`.

Registers their schemas (`schemas/operational`) with the registry, and only then gives each owed
event its record and moves it to the outbox, in one transaction; the relay publishes it. While the
registry is away events wait in SQL, at most as long as their topic would keep them; nothing else
of control waits for it, and a type that the registry refuses waits alone. `ce_source` is the
deployment's prefix and `ce_id` the change that is told.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import fastavro

from hooklane.adapters.codec import schemas_dir, versions
from hooklane.adapters.health_store import OwedEvent, WrittenEvent
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.metrics import OPERATIONAL_WAITING
from hooklane.adapters.ports import Clock
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.adapters.store import ControlStore
from hooklane.domain.errors import Conflict, Refused
from hooklane.domain.framing import framed
from hooklane.domain.metadata import Metadata, headers_of
from hooklane.domain.operational import TYPES
from hooklane.domain.topics import Topics

FULL_TRANSITIVE = "FULL_TRANSITIVE"
KEPT = timedelta(days=14)
_BATCH = 500
_PAUSE_S = 0.25
_FORGET_EVERY_S = 3_600.0
# A registry that refused a type is asked again at most this often.
_AGAIN_AFTER_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """A type's newest schema, and what the registry calls it."""

    schema_id: int
    parsed: Any

    def write(self, values: Mapping[str, Any]) -> bytes:
        """Write an event as a Confluent serializer does."""
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.parsed, values)
        return framed(self.schema_id, out.getvalue())


class Teller:
    """Moves owed events to the outbox; every call is made by one thread."""

    name = "operational"

    def __init__(
        self,
        store: ControlStore,
        registry: SchemaRegistry,
        *,
        topics: Topics,
        clock: Clock,
        log: Log = no_log,
    ) -> None:
        """Begin with nothing registered."""
        self._store, self._registry, self._topics = store, registry, topics
        self._clock, self._log = clock, log
        self._writers: dict[str, _Writer] = {}
        self._forget_at = self._register_at = float("-inf")
        # Set by whoever has a relay to wake.
        self.ring: Callable[[], None] = lambda: None

    def step(self) -> None:
        """Register what is not, then move what is owed.

        Raises:
            Unavailable: the database or the registry can't be reached.
        """
        if self._clock.monotonic() >= self._forget_at:
            self._forget()
            self._forget_at = self._clock.monotonic() + _FORGET_EVERY_S
        OPERATIONAL_WAITING.set(self._store.owed_events_count())
        self._register()
        owed = self._store.owed_events(_BATCH, event_types=self._writers.keys())
        if owed:
            written = [self._written(one) for one in owed]
            now = self._clock.now()
            if self._store.write_events(written, topic=self._topics.operational, at=now):
                self.ring()
        if len(owed) < _BATCH:
            self._clock.sleep(_PAUSE_S)

    def close(self) -> None:
        """End."""

    def _forget(self) -> None:
        forgotten = self._store.forget_owed_events(before=self._clock.now() - KEPT)
        if forgotten:
            self._log("operational.forgotten", level="error", events=forgotten)

    def _register(self) -> None:
        now = self._clock.monotonic()
        if len(self._writers) == len(TYPES) or now < self._register_at:
            return
        for event_type in TYPES:
            if event_type in self._writers:
                continue
            try:
                self._writers[event_type] = self._registered(event_type)
            except Refused as error:
                # Somebody else's type of this name; the others are told nevertheless.
                self._log("operational.refused", level="error", type=event_type, error=error.detail)
        self._register_at = now + _AGAIN_AFTER_S

    def _registered(self, event_type: str) -> _Writer:
        """Register a type's versions that are new; its number there is its file's."""
        registry, schemas = self._registry, versions(schemas_dir() / "operational" / event_type)
        newest = max(schemas)
        known = registry.versions(event_type)
        for number, schema in schemas.items():
            if number not in known:
                registry.register(event_type, schema)
                registry.set_compatibility(event_type, FULL_TRANSITIVE)
        found = registry.version(event_type, newest)
        if found.schema != schemas[newest]:
            raise Conflict(f"the registry's version {newest} is not Hooklane's own")
        return _Writer(schema_id=found.schema_id, parsed=fastavro.parse_schema(schemas[newest]))

    def _written(self, owed: OwedEvent) -> WrittenEvent:
        event = owed.event
        metadata = Metadata(
            id_in_source=event.id_in_source,
            source=self._topics.prefix,
            time=event.at,
            tenant=event.tenant,
            event_type=event.event_type,
            subject=event.endpoint_id,
        )
        value = self._writers[event.event_type].write(event.values)
        return WrittenEvent(owed=owed, value=value, headers=headers_of(metadata))
