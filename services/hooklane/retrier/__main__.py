"""Run the retrier: `python -m hooklane.retrier`."""

from __future__ import annotations

import sys

from hooklane.adapters import kafka
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.kafka.fetching import JUMPING
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import run
from hooklane.adapters.settings import KafkaSettings
from hooklane.retrier.housekeeping import Housekeeping
from hooklane.retrier.settings import RetrierSettings
from hooklane.retrier.surroundings import Surroundings
from hooklane.retrier.worker import Retrier


def build(own: RetrierSettings, broker: KafkaSettings, *, log: Log, clock: Clock) -> Retrier:
    """Name the adapters and build the worker."""
    topics = broker.topics
    instance = f"{topics.prefix}.retrier.{own.ordinal}"
    member = kafka.member(
        broker, group=topics.group("retrier"), instance=instance, fetching=JUMPING
    )
    reader = kafka.reader(broker, instance=instance)
    producer = kafka.producer(broker, instance=instance)
    transactional_id = topics.transactional_id("retrier", own.ordinal)
    around = Surroundings(
        member=member,
        producer=kafka.transactional_producer(broker, transactional_id=transactional_id),
        admin=kafka.admin(broker),
        table=EndpointTable(reader, topics.endpoints, clock=clock, log=log),
        positions=PositionReport(producer, topics.positions, instance=instance, clock=clock),
        commands=kafka.reader(broker, instance=instance),
        ahead=kafka.reader(broker, instance=instance, fetching=JUMPING),
        others=(reader, producer),
        clock=clock,
        log=log,
    )
    return Retrier(
        around,
        topics=topics,
        tiers=broker.retry_tiers,
        settings=own,
        housekeeping=Housekeeping(around, settings=own, replication=broker.replication),
    )


if __name__ == "__main__":
    sys.exit(run("retrier", (RetrierSettings, KafkaSettings), build=build))
