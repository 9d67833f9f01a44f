"""The publisher as a library: look the schema up, check the values, write the record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Unpack

from hooklane.adapters.ports import Admin, Clock, Producer
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.publisher.catalogue import Catalogue
from hooklane.publisher.event_record import About, Published, encoded, event_record

FLUSH_WITHIN = timedelta(seconds=30)


class Publisher:
    """Publishes events; used by one thread at a time."""

    def __init__(
        self,
        producer: Producer,
        *,
        registry: SchemaRegistry,
        admin: Admin,
        clock: Clock,
        source: str,
    ) -> None:
        """Begin; needs no network until the first event."""
        self._producer, self._source = producer, source
        self._catalogue = Catalogue(registry, admin, clock=clock)

    def publish(
        self, event_type: str, values: Mapping[str, Any], **about: Unpack[About]
    ) -> Published:
        """Queue an event; `flush` waits until it is written.

        Raises:
            NotFound: the registry has no such type or version, or Kafka no topic for it.
            Invalid: a value is not of the schema; the field is named.
            Unavailable: registry or Kafka can't be asked now.
        """
        ready = self._catalogue.find(event_type, about.get("version"))
        record = event_record(ready, event_type, values=values, about=about, source=self._source)
        self._producer.produce(record.topic, record.value, key=record.key, headers=record.headers)
        return record.published

    def check(
        self, event_type: str, values: Mapping[str, Any], *, version: int | None = None
    ) -> int:
        """Check an event as `publish` does and write nothing; give its version."""
        ready = self._catalogue.find(event_type, version)
        encoded(ready, event_type, values=values)
        return ready.version

    def flush(self, timeout: timedelta = FLUSH_WITHIN) -> None:
        """Wait until everything published is on the brokers.

        Raises:
            Unavailable: something is not.
        """
        self._producer.flush(timeout)

    def close(self) -> None:
        """Flush and end."""
        self._producer.close()
