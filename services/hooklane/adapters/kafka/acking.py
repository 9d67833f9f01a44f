"""An idempotent producer that tells of every record: for callers who wait for the brokers' ack."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.kafka.config import acking_config
from hooklane.adapters.kafka.failures import error_of, unavailable
from hooklane.adapters.kafka.reach import reachability
from hooklane.adapters.ports import OnAck
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import Unavailable


class KafkaAckingProducer:
    """Queues on one thread, tells on another; librdkafka allows that."""

    def __init__(self, settings: KafkaSettings, *, instance: str, ack_within: timedelta) -> None:
        """Prepare; what is not written `ack_within` is given up, and told so."""
        config = acking_config(settings, instance=instance, ack_within=ack_within)
        self._reachable = reachability(settings, SystemClock())
        self._producer = Producer({**config, "error_cb": self._reachable.on_error})
        self._fatal: KafkaError | None = None

    def produce(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None,
        headers: Headers | None,
        on_ack: OnAck,
    ) -> None:
        """Queue a record and return at once."""
        fields: Any = {"key": key, "headers": headers}

        def told(error: KafkaError | None, _record: Any) -> None:
            self._note(error)
            on_ack(None if error is None else unavailable(f"writing to {topic}", error))

        try:
            self._producer.produce(topic, value, on_delivery=told, **fields)
        except BufferError:
            raise Unavailable("Kafka: the queue of records to be sent is full") from None
        except KafkaException as raised:
            self._note(error_of(raised))
            raise unavailable(f"producing to {topic}", raised) from None

    def poll(self, timeout: timedelta) -> None:
        """Wait for the first acknowledgement, then tell of all that are there."""
        self._producer.poll(timeout.total_seconds())
        self._reachable.watch(self._producer)
        # It writes nothing any more: only a new process does.
        assert self._fatal is None, f"librdkafka gave up: {self._fatal}"

    def close(self, timeout: timedelta) -> None:
        """Wait for what is queued, tell of it, and end."""
        self._producer.flush(timeout.total_seconds())

    def _note(self, error: KafkaError | None) -> None:
        if error is not None and error.fatal():
            self._fatal = error
