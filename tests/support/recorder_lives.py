"""Recorders as processes that are quick to start: forked of a server that has imported everything.

Each reads all partitions without a group, so that it need not wait for its killed predecessor's
session to end: where it begins is told by SQL alone.
"""

import multiprocessing
from datetime import timedelta

from confluent_kafka import Consumer, TopicPartition

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.kafka import fetch
from hooklane.adapters.kafka.config import member_config
from hooklane.adapters.log import json_log
from hooklane.adapters.settings import KafkaSettings, load
from hooklane.adapters.sql.engine import connect
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition
from hooklane.recorder.worker import Pace, Recorder, Surroundings

BATCH = 100
# Of what this module imports: the server does not know where it lies itself, only the package.
PRELOADED = (
    "confluent_kafka",
    "psycopg",
    "hooklane.adapters.kafka",
    "hooklane.adapters.log",
    "hooklane.adapters.sql.engine",
    "hooklane.adapters.sql.recorder",
    "hooklane.recorder.worker",
)


def nursery():
    """Give the context whose processes are forked of the server."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


class SoleMember:
    """A member that is alone, and has every partition at once."""

    def __init__(self, settings):
        config = member_config(settings, group=f"{settings.prefix}.alone", instance="alone")
        self._consumer = Consumer({**config, "group.protocol": "classic"})
        self._partitions = settings.log_partitions

    def subscribe(self, topics, listener):
        numbers = range(self._partitions)
        listener.on_assigned([Partition(topic, number) for topic in topics for number in numbers])

    def assign(self, starts):
        self._consumer.assign([TopicPartition(*place, at) for place, at in starts.items()])

    def consume(self, records_max, *, timeout):
        records, events = fetch.fetch(self._consumer, records_max, timeout=timeout)
        assert list(fetch.serious(events)) == []
        return records

    def ends(self, partition):
        return fetch.ends(self._consumer, partition)

    def position(self, partition):
        (answer,) = self._consumer.position([TopicPartition(*partition)])
        return answer.offset if answer.offset >= 0 else None


def live(environment, database):
    """Record until killed."""
    settings = load(KafkaSettings, environment)
    clock = SystemClock()
    log = json_log("recorder", clock=clock)
    around = Surroundings(
        member=SoleMember(settings),
        admin=kafka.admin(settings),
        store=SqlRecorderStore(connect(database, durable=False), log=log),
        topics=settings.topics,
        clock=clock,
        log=log,
    )
    pace = Pace(batch_records=BATCH, wait=timedelta(milliseconds=50), lag=timedelta(seconds=1))
    recorder = Recorder(around, pace=pace)
    recorder.start()
    while True:
        try:
            recorder.step()
        except Unavailable as error:
            log("recorder.waits", error=str(error))
            clock.sleep(0.05)
