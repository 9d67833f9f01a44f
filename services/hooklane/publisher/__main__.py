"""Run the ingest door: `python -m hooklane.publisher`."""

from __future__ import annotations

import sys

from hooklane.adapters import kafka
from hooklane.adapters.api_server import ApiServer
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import run
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.publisher.build import World, ingest
from hooklane.publisher.settings import PublisherSettings
from hooklane.publisher.worker import Ingest


def _build(
    own: PublisherSettings,
    cluster: KafkaSettings,
    registry: RegistrySettings,
    *,
    log: Log,
    clock: Clock,
) -> Ingest:
    """Name the adapters and build the worker."""
    instance = f"{cluster.prefix}.publisher.{own.ordinal}"
    world = World(
        producer=kafka.acking_producer(cluster, instance=instance, ack_within=own.ack_within),
        registry=HttpRegistry(registry),
        open_admin=lambda: kafka.admin(cluster),
        serve=ApiServer,
        clock=clock,
        log=log,
    )
    return ingest(world, own)


if __name__ == "__main__":
    sys.exit(run("publisher", (PublisherSettings, KafkaSettings, RegistrySettings), build=_build))
