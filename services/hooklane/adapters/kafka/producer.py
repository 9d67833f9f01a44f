"""An idempotent producer without transactions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.kafka.config import producer_config
from hooklane.adapters.kafka.failures import unavailable
from hooklane.adapters.kafka.reach import reachability
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import BrokenContract, Unavailable

ROOM_TIMEOUT_S = 30.0
PURGE_TIMEOUT_S = 1.0
TENDED_EVERY_S = 1.0
_ROOM_WAIT_S = 0.05


class KafkaProducer:
    """Queues records and tells at `flush` what was not written; all calls on one thread."""

    def __init__(self, settings: KafkaSettings, *, instance: str) -> None:
        """Prepare."""
        config = producer_config(settings, instance=instance)
        self._config = {**config, "on_delivery": self._on_delivery}
        self._producer = Producer(self._config)
        self._clock = SystemClock()
        self._reachable = reachability(settings, self._clock)
        self._tended_at = self._clock.monotonic()
        self._failure: KafkaError | None = None

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Queue a record."""
        if self._clock.monotonic() >= self._tended_at + TENDED_EVERY_S:
            self._tend()
        fields: dict[str, Any] = {"key": key, "headers": headers}
        if partition is not None:
            fields["partition"] = partition
        try:
            queue(self._producer, topic, value=value, clock=self._clock, **fields)
        except KafkaException as raised:
            raise unavailable(f"producing to {topic}", raised) from None

    def flush(self, timeout: timedelta) -> None:
        """Wait until everything queued is acknowledged."""
        left = self._producer.flush(timeout.total_seconds())
        if left or self._failure:
            self._replace_if_lost()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise unavailable("a record was not written", failure)
        if left:
            raise Unavailable(f"Kafka: {left} records not acknowledged in time")

    def close(self) -> None:
        """Flush and end."""
        self.flush(timedelta(seconds=ROOM_TIMEOUT_S))

    def _tend(self) -> None:
        # Who never flushes learns of no failure otherwise, and would write to nobody for ever.
        self._producer.poll(0)
        self._tended_at = self._clock.monotonic()
        if self._failure:
            self._replace_if_lost()

    def _replace_if_lost(self) -> None:
        if not self._reachable.is_lost(self._producer):
            return
        # What is queued never goes; its owner is told so, as of any record that was not written.
        self._producer.purge()
        self._producer.flush(PURGE_TIMEOUT_S)
        self._producer = Producer(self._config)

    def _on_delivery(self, error: KafkaError | None, _record: Any) -> None:
        self._failure = self._failure or error


def queue(
    producer: Producer,
    topic: str,
    *,
    value: bytes | None,
    clock: SystemClock,
    **fields: Any,
) -> None:
    """Queue a record, waiting for room.

    Raises:
        Unavailable: there was no room for long: the brokers take nothing.
        BrokenContract: the record is larger than any broker takes.
    """
    deadline: float | None = None
    while True:
        try:
            producer.produce(topic, value, **fields)
        except BufferError:
            producer.poll(_ROOM_WAIT_S)
            deadline = deadline or clock.monotonic() + ROOM_TIMEOUT_S
            if clock.monotonic() >= deadline:
                raise Unavailable("Kafka: the queue of records to be sent stays full") from None
        except KafkaException as raised:
            if raised.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                size = len(value or b"")
                raise BrokenContract(f"a record of {size} bytes is too large for Kafka") from None
            raise
        else:
            return
