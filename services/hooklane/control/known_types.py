"""Which event types there are, and their newest schemas: what a probe's example is made of.

Asks the registry for a type; where that is away or knows none, takes what the matchers learned
(`hooklane.schemas`), then what is shipped (`schemas/events`, `schemas/operational`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import fastavro
import orjson

from hooklane.adapters.codec import codec, schemas_dir, versions
from hooklane.adapters.ports import Clock, Reader
from hooklane.adapters.rendering import EventSchema, render
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.control.examples import example
from hooklane.domain.errors import BrokenContract, Invalid, NotFound, Unavailable
from hooklane.domain.subscription import Subscription, fits
from hooklane.domain.topics import Partition

CONTENT_TYPE = "application/json"
_BATCH = 1_000
_SHORT_WAIT = timedelta(milliseconds=100)
_READ_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example event's payload, rendered like any other's."""

    event_type: str
    version: int
    payload: bytes
    content_type: str = CONTENT_TYPE


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTypes:
    """Finds types and their schemas; reads on request only, keeps nothing."""

    registry: SchemaRegistry
    open_reader: Callable[[], Reader]
    topic: str
    clock: Clock

    def example(
        self, subscription: Subscription, wanted: str | None, *, event_id: str, now: datetime
    ) -> Example:
        """Make an example event of a type that a subscription wants.

        Args:
            subscription: the endpoint's.
            wanted: the type asked for; None for the first that is known.
            event_id: under which it is sent.
            now: its time.

        Raises:
            Invalid: the type is not subscribed to, or of none that is, a schema is known.
        """
        if wanted is not None and not subscription.wants(wanted):
            raise Invalid(f"type: the endpoint does not subscribe to {wanted[:80]!r}")
        learned = {**_shipped(), **self._learned()}
        names = [wanted] if wanted is not None else _in_order(subscription.patterns, list(learned))
        for event_type in names:
            found = self._newest(event_type) or learned.get(event_type)
            if found is not None:
                version, schema = found
                payload = example_payload(
                    schema, event_type=event_type, version=version, event_id=event_id, now=now
                )
                return Example(event_type=event_type, version=version, payload=payload)
        what = wanted or "any type that the endpoint subscribes to"
        raise Invalid(f"type: no schema of {what} is known")

    def _newest(self, event_type: str) -> tuple[int, Any] | None:
        try:
            found = self.registry.version(event_type)
        except (NotFound, Unavailable, BrokenContract):
            return None
        return found.version, found.schema

    def _learned(self) -> dict[str, tuple[int, Any]]:
        found: dict[str, tuple[int, Any]] = {}
        partition, reader = Partition(self.topic, 0), self.open_reader()
        try:
            start, end = reader.ends(partition)
            reader.start({partition: start})
            deadline = self.clock.monotonic() + _READ_S
            while reader.position(partition) < end and self.clock.monotonic() < deadline:
                for record in reader.read(_BATCH, timeout=_SHORT_WAIT):
                    _learn(record.value(), found)
        except Unavailable:
            # The registry and what is shipped may be enough.
            return found
        finally:
            reader.close()
        return found


def example_payload(
    schema: Any, *, event_type: str, version: int, event_id: str, now: datetime
) -> bytes:
    """Render an example of a schema, through Avro and back like any event.

    Raises:
        Invalid: the schema can't be filled or rendered.
    """
    try:
        raw, parsed = io.BytesIO(), fastavro.parse_schema(schema)
        fastavro.schemaless_writer(raw, parsed, example(parsed))
        values = EventSchema(schema, version=version).decode(raw.getvalue(), 0)
        return render(
            values, event_id=event_id, event_type=event_type, version=version, event_time=now
        )
    except Exception as error:  # whatever a schema that is not ours makes fastavro raise
        raise Invalid(f"type: no example of {event_type} can be made: {error!r}"[:300]) from None


def _learn(raw: bytes | None, found: dict[str, tuple[int, Any]]) -> None:
    if raw is None:
        return
    try:
        value = codec("schema").decode(raw)
        event_type = EventSchema(schema := orjson.loads(value["text"])).event_type
    except (BrokenContract, orjson.JSONDecodeError):
        return
    if value["subject"] == event_type and value["version"] > found.get(event_type, (0, None))[0]:
        found[event_type] = value["version"], schema


def _shipped() -> dict[str, tuple[int, Any]]:
    found = {}
    for folder in ("events", "operational"):
        root = schemas_dir() / folder
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            if path.is_dir() and (known := versions(path)):
                found[path.name] = max(known), known[max(known)]
    return found


def _in_order(patterns: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """Give types to try: by the subscription's order, of a wildcard those that are known."""
    for pattern in patterns:
        if pattern.endswith("*"):
            yield from sorted(one for one in known if fits(pattern, one))
        else:
            yield pattern
