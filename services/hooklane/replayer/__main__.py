"""Run the replayer: `python -m hooklane.replayer`."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from hooklane.adapters import kafka
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.events import EventReader
from hooklane.adapters.kafka.fetching import JUMPING
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import run
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.schema_cache import Background, SchemaCache
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.domain.sources import Sources
from hooklane.replayer.resubmit import RejectedEvents
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings
from hooklane.replayer.worker import Replayer

REGISTRY_PATIENCE = timedelta(milliseconds=200)


def _build(
    own: ReplayerSettings,
    broker: KafkaSettings,
    registry: RegistrySettings,
    *,
    log: Log,
    clock: Clock,
) -> Replayer:
    """Name the adapters and build the worker; needs no network."""
    # On a machine it shares with the data plane, what is new goes first.
    os.nice(own.niceness)
    topics = broker.topics
    name = topics.transactional_id("replayer", own.ordinal)
    writer, admin = kafka.producer(broker, instance=name), kafka.admin(broker)
    reader = kafka.reader(broker, instance=name, fetching=JUMPING)
    tables = [kafka.reader(broker, instance=name) for _ in range(2)]
    ask = Background(HttpRegistry(registry), patience=REGISTRY_PATIENCE)
    schemas = SchemaCache(tables[0], writer, topic=topics.schemas, ask=ask, clock=clock, log=log)
    sources = Sources([source.source() for source in own.sources], prefix=topics.prefix)
    events = EventReader(schemas, sources, clock=clock, payload_bytes_max=own.payload_bytes_max)
    around = Surroundings(
        member=kafka.member(broker, group=topics.group("replayer"), instance=name),
        producer=kafka.transactional_producer(broker, transactional_id=name),
        reader=reader,
        admin=admin,
        schemas=schemas,
        rejected=RejectedEvents(
            topic=topics.rejected_events, reader=reader, admin=admin, events=events, log=log
        ),
        table=EndpointTable(tables[1], topics.endpoints, clock=clock, log=log),
        positions=PositionReport(writer, topics.positions, instance=name, clock=clock),
        others=(*tables, writer, ask),
        clock=clock,
        log=log,
    )
    return Replayer(around, topics=topics, settings=own, cluster=broker)


if __name__ == "__main__":
    sys.exit(run("replayer", (ReplayerSettings, KafkaSettings, RegistrySettings), build=_build))
