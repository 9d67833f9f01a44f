"""Run the matcher: `python -m hooklane.matcher`."""

from __future__ import annotations

import sys
from datetime import timedelta

from hooklane.adapters import kafka
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.events import EventReader
from hooklane.adapters.in_turn import InTurn
from hooklane.adapters.kafka.fetching import JUMPING
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import run
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.schema_cache import Background, SchemaCache
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.domain.sources import Sources
from hooklane.matcher.at_least_once import AtLeastOnce
from hooklane.matcher.partitions import Surroundings
from hooklane.matcher.settings import FanoutGuarantee, MatcherSettings
from hooklane.matcher.worker import Matcher

# How long one look-up may hold up the poll thread; then its partition waits.
REGISTRY_PATIENCE = timedelta(milliseconds=50)


def _build(
    own: MatcherSettings,
    cluster: KafkaSettings,
    registry: RegistrySettings,
    *,
    log: Log,
    clock: Clock,
) -> Matcher:
    """Build the matcher on real Kafka and a real registry."""
    topics = cluster.topics
    instance = topics.transactional_id("matcher", own.ordinal)
    writer = kafka.producer(cluster, instance=instance)
    sources = Sources([source.source() for source in own.sources], prefix=topics.prefix)
    schemas = SchemaCache(
        kafka.reader(cluster, instance=instance),
        writer,
        topic=topics.schemas,
        ask=Background(HttpRegistry(registry), patience=REGISTRY_PATIENCE),
        clock=clock,
        log=log,
    )
    around = Surroundings(
        member=kafka.member(
            cluster, group=topics.group("matcher"), instance=instance, fetching=JUMPING
        ),
        admin=kafka.admin(cluster),
        table=EndpointTable(
            kafka.reader(cluster, instance=instance), topics.endpoints, clock=clock, log=log
        ),
        reader=EventReader(schemas, sources, clock=clock, payload_bytes_max=own.payload_bytes_max),
        clock=clock,
        log=log,
    )
    return Matcher(
        around,
        producer=AtLeastOnce(writer)
        if own.fanout_guarantee is FanoutGuarantee.AT_LEAST_ONCE
        else InTurn(
            [
                kafka.transactional_producer(cluster, transactional_id=one)
                for one in topics.matcher_ids(own.ordinal)
            ]
        ),
        schemas=schemas,
        positions=PositionReport(writer, topics.positions, instance=instance, clock=clock),
        sources=sources,
        kafka=cluster,
        settings=own,
    )


if __name__ == "__main__":
    sys.exit(run("matcher", (MatcherSettings, KafkaSettings, RegistrySettings), build=_build))
