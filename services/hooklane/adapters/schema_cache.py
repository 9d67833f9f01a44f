"""The schemas of events: once seen, never asked for again.

Reads and writes `hooklane.schemas` (compacted; key: the registry id, and after a space the subject
where that is not the schema's full name), so that a process started while the registry is away can
decode what any process decoded before. Asks the registry for the rest. Promises: an answer is a
schema with its version, NotFound (the registry's definite word), BrokenContract, or Unavailable
(ask again later).
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillUnderWay
from datetime import timedelta
from typing import Protocol

import orjson

from hooklane.adapters.codec import codec
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Clock, Producer, Reader, Record
from hooklane.adapters.rendering import EventSchema
from hooklane.adapters.schema_registry import Known, SchemaRegistry
from hooklane.domain.errors import BrokenContract, HooklaneError, NotFound, Unavailable
from hooklane.domain.framing import SchemaRef
from hooklane.domain.topics import Partition

_BATCH = 1_000
_SHORT_WAIT = timedelta(milliseconds=100)
_READ_WITHIN_S = 30.0
# A registry that said no is asked again at most this often.
_AGAIN_AFTER_S = 1.0
_FAILURES_MAX = 10_000


class Ask(Protocol):
    """Asks the registry; may answer Unavailable for as long as the answer is under way."""

    def __call__(self, ref: SchemaRef) -> Known:
        """Give what the registry knows of a schema."""


class Background:
    """Asks a registry on a thread of its own, so that a slow one never stops the poll thread."""

    def __init__(self, registry: SchemaRegistry, *, patience: timedelta) -> None:
        """Wait at most `patience` for an answer, then say that it is under way."""
        self._registry, self._patience_s = registry, patience.total_seconds()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="registry")
        self._asked: dict[SchemaRef, Future[Known]] = {}

    def __call__(self, ref: SchemaRef) -> Known:
        """Give the answer, or Unavailable (field `under_way`) while there is none."""
        future, patience_s = self._asked.get(ref), 0.0
        if future is None:
            future = self._asked[ref] = self._pool.submit(self._registry.known, ref)
            patience_s = self._patience_s
        try:
            answer = future.result(patience_s)
        except StillUnderWay:
            text = f"the registry has not answered yet for schema {ref}"
            raise Unavailable(text, under_way=True) from None
        except BaseException:
            del self._asked[ref]
            raise
        del self._asked[ref]
        return answer

    def close(self) -> None:
        """Wait for nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SchemaCache:
    """Schemas by registry id or GUID, and the topic they are used on.

    Args:
        reader: reads `hooklane.schemas`; the cache owns it.
        producer: writes what was learned.
        topic: `Topics.schemas`.
        ask: asks the registry.
    """

    def __init__(
        self, reader: Reader, producer: Producer, *, topic: str, ask: Ask, clock: Clock,
        log: Log = no_log,
    ) -> None:  # fmt: skip
        """Begin empty; `start` reads the topic."""
        self._reader, self._producer, self._ask = reader, producer, ask
        self._clock, self._log = clock, log
        self._topic, self._partition = topic, Partition(topic, 0)
        self._found: dict[tuple[SchemaRef, str], EventSchema] = {}
        self._parsed: dict[SchemaRef, EventSchema] = {}
        # By (id, subject): what `hooklane.schemas` says.
        self._versions: dict[tuple[SchemaRef, str], int] = {}
        self._failed: dict[tuple[SchemaRef, str], tuple[float, HooklaneError]] = {}

    def start(self) -> None:
        """Read the topic from its start to its present end.

        Raises:
            Unavailable: it can't be read now.
        """
        log_start, end = self._reader.ends(self._partition)
        self._reader.start({self._partition: log_start})
        deadline = self._clock.monotonic() + _READ_WITHIN_S
        while self._reader.position(self._partition) < end:
            if self._clock.monotonic() >= deadline:
                raise Unavailable(f"{self._topic} could not be read to {end} in time")
            self._read(_SHORT_WAIT)
        self._log("schemas.read", schemas=len(self._versions))

    def get(self, ref: SchemaRef, topic: str) -> EventSchema:
        """Give the schema that a record on this topic names, with its version.

        Raises:
            Unavailable: the registry can't tell now.
            NotFound: the registry says that there is no such schema, or no version of it that
                counts for this topic.
            BrokenContract: it can't be used to decode events.
        """
        found = self._found.get((ref, topic))
        return self._look_up(ref, topic) if found is None else found

    def _look_up(self, ref: SchemaRef, topic: str) -> EventSchema:
        self._read(timedelta(0))
        known = self._by_topic(ref, topic)
        if known is not None:
            return known
        failed = self._failed.get((ref, topic))
        if failed is not None and self._clock.monotonic() < failed[0]:
            raise failed[1]
        try:
            return self._learn(self._ask(ref), ref, topic)
        except (NotFound, Unavailable, BrokenContract) as error:
            if error.fields.get("under_way"):
                raise
            if len(self._failed) >= _FAILURES_MAX:
                self._failed.clear()
            self._failed[ref, topic] = (self._clock.monotonic() + _AGAIN_AFTER_S, error)
            raise

    def _by_topic(self, ref: SchemaRef, topic: str) -> EventSchema | None:
        parsed = self._parsed.get(ref)
        if parsed is None:
            return None
        for subject in (parsed.event_type, f"{topic}-value"):
            version = self._versions.get((ref, subject))
            if version is not None:
                found = self._found[ref, topic] = parsed.of_version(version)
                return found
        return None

    def _learn(self, known: Known, ref: SchemaRef, topic: str) -> EventSchema:
        parsed = EventSchema(known.schema)
        self._parsed[ref] = parsed
        for subject in (parsed.event_type, f"{topic}-value"):
            version = known.versions.get(subject)
            if version is not None:
                self._versions[ref, subject] = version
                self._keep(known, subject, version, is_own=subject == parsed.event_type)
                found = self._found[ref, topic] = parsed.of_version(version)
                return found
        raise NotFound(
            f"schema {ref} is a version of neither {parsed.event_type} nor {topic}-value"
        )

    def _keep(self, known: Known, subject: str, version: int, *, is_own: bool) -> None:
        value = {
            "schema_id": known.schema_id,
            "text": orjson.dumps(known.schema).decode(),
            "subject": subject,
            "version": version,
        }
        key = str(known.schema_id) if is_own else f"{known.schema_id} {subject}"
        self._producer.produce(self._topic, codec("schema").encode(value), key=key.encode())
        self._log("schema.learned", schema=known.schema_id, subject=subject, version=version)

    def _read(self, timeout: timedelta) -> None:
        for record in self._reader.read(_BATCH, timeout=timeout):
            self._take(record)

    def _take(self, record: Record) -> None:
        if record.value() is None:
            return
        try:
            value = codec("schema").decode(record.value())
            ref: int = value["schema_id"]
            if ref not in self._parsed:
                self._parsed[ref] = EventSchema(orjson.loads(value["text"]))
        except (BrokenContract, orjson.JSONDecodeError) as error:
            self._log("schema.unreadable", level="error", key=record.key(), error=str(error))
            return
        self._versions[ref, value["subject"]] = value["version"]
