"""A publisher on real Kafka and a real registry, for programs without a `__main__` of ours."""

from __future__ import annotations

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.publisher.publisher import Publisher

INSTANCE = "hooklane.publisher"


def connect(
    cluster: KafkaSettings, registry: RegistrySettings, *, instance: str = INSTANCE
) -> Publisher:
    """Build a publisher; needs no network until the first event.

    Args:
        cluster: where Kafka is.
        registry: where the schema registry is.
        instance: the producer's client.id, and `ce_source` where none is given.
    """
    return Publisher(
        kafka.producer(cluster, instance=instance),
        registry=HttpRegistry(registry),
        admin=kafka.admin(cluster),
        clock=SystemClock(),
        source=instance,
    )
