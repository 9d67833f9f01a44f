"""An idempotent producer in the twin."""

from __future__ import annotations

from datetime import timedelta

from hooklane.adapters.memory.cluster import Cluster
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.topics import Partition

RECORD_BYTES_MAX = 1_000_000


class MemoryProducer:
    """What it produces is there at once; what could not be written is told at `flush`."""

    def __init__(self, cluster: Cluster, *, instance: str) -> None:
        """Prepare."""
        self._cluster, self._instance = cluster, instance
        self._failure: Unavailable | None = None
        self._turn = 0
        self._is_dead = False

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Write a record."""
        assert not self._is_dead, "killed or closed"
        refuse_oversize(value)
        try:
            with self._cluster.operation("produce"):
                self._turn += 1
                log = (
                    self._cluster.choose(topic, key, turn=self._turn)
                    if partition is None
                    else self._cluster.log(Partition(topic, partition))
                )
                if log is None:
                    raise Unavailable(f"Kafka: there is no topic {topic}")
                log.append(value, key=key, headers=headers, at=self._cluster.clock.now())
        except Unavailable as error:
            self._failure = self._failure or error

    def flush(self, timeout: timedelta) -> None:
        """Tell what was not written."""
        assert timeout >= timedelta(0)
        failure, self._failure = self._failure, None
        with self._cluster.operation("flush"):
            if failure is not None:
                raise failure

    def close(self) -> None:
        """Flush and end."""
        self.flush(timedelta(0))
        self._is_dead = True

    def die(self) -> None:
        """End without telling anybody."""
        self._is_dead = True


def refuse_oversize(value: bytes | None) -> None:
    """Refuse what no broker takes.

    Raises:
        BrokenContract: the record is too large.
    """
    size = len(value or b"")
    if size > RECORD_BYTES_MAX:
        raise BrokenContract(f"a record of {size} bytes is too large for Kafka")
