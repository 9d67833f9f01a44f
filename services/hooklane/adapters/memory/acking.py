"""An idempotent producer in the twin that tells of every record."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

from hooklane.adapters.memory.cluster import Cluster
from hooklane.adapters.memory.producer import MemoryProducer
from hooklane.adapters.ports import OnAck
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import Unavailable


class MemoryAckingProducer:
    """What it produces is there at once; `poll` tells of it."""

    def __init__(self, cluster: Cluster, *, instance: str) -> None:
        """Prepare."""
        self._producer = MemoryProducer(cluster, instance=instance)
        self._untold: deque[tuple[OnAck, Unavailable | None]] = deque()

    def produce(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None,
        headers: Headers | None,
        on_ack: OnAck,
    ) -> None:
        """Write a record."""
        failure = None
        try:
            self._producer.produce(topic, value, key=key, headers=headers)
            self._producer.flush(timedelta(0))
        except Unavailable as error:
            failure = error
        self._untold.append((on_ack, failure))

    def poll(self, timeout: timedelta) -> None:
        """Tell of everything; never waits."""
        assert timeout >= timedelta(0)
        while self._untold:
            on_ack, failure = self._untold.popleft()
            on_ack(failure)

    def close(self, timeout: timedelta) -> None:
        """Tell of everything and end."""
        self.poll(timeout)
        self._producer.die()
