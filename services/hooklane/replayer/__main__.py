"""Run the replayer: `python -m hooklane.replayer`."""

from __future__ import annotations

import sys

from hooklane.adapters import kafka
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import run
from hooklane.adapters.settings import KafkaSettings, load
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings
from hooklane.replayer.worker import Replayer


def main() -> int:
    """Read the settings, name the adapters, run."""

    def build(log: Log, clock: Clock) -> Replayer:
        broker, own = load(KafkaSettings), load(ReplayerSettings)
        topics = broker.topics
        instance = f"{topics.prefix}.replayer.{own.ordinal}"
        table_reader = kafka.reader(broker, instance=instance)
        producer = kafka.producer(broker, instance=instance)
        transactional_id = topics.transactional_id("replayer", own.ordinal)
        around = Surroundings(
            member=kafka.member(broker, group=topics.group("replayer"), instance=instance),
            producer=kafka.transactional_producer(broker, transactional_id=transactional_id),
            reader=kafka.reader(broker, instance=instance),
            admin=kafka.admin(broker),
            table=EndpointTable(table_reader, topics.endpoints, clock=clock, log=log),
            positions=PositionReport(producer, topics.positions, instance=instance, clock=clock),
            others=(table_reader, producer),
            clock=clock,
            log=log,
        )
        return Replayer(
            around,
            topics=topics,
            tiers=broker.retry_tiers,
            settings=own,
            replication=broker.replication,
        )

    return run("replayer", lambda: (load(ReplayerSettings), load(KafkaSettings)), build)


if __name__ == "__main__":
    sys.exit(main())
