"""The traffic a broker is trained on: what Hooklane's services do to one, in little.

The JVM notes which methods were hot and how they were called, so that a broker started from the
notes compiles at once what a cold one would find out within a minute of traffic.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.ports import (
    Admin,
    Clock,
    Member,
    Producer,
    Record,
    TransactionalProducer,
)
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import HooklaneError
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, TopicSpec

_TOPICS = {"events": 4, "lanes": 10, "log": 4}
_VALUE, _KEY = b"x" * 1_000, b"key"
_GROUP = "exercise"
_POLL, _NO_WAIT = timedelta(milliseconds=20), timedelta(0)
_SPECS = [TopicSpec(name=name, partitions=count, settings={}) for name, count in _TOPICS.items()]


class _FromTheBeginning:
    """Assigns whatever is given from the first offset on."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        self._member.committed(partitions)
        self._member.assign(dict.fromkeys(partitions, 0))

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        pass

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        pass

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Who takes part in the exercise."""

    admin: Admin
    events: Producer
    matcher: Member
    fan_out: TransactionalProducer
    deliverer: Member


def clients(bootstrap: str) -> Clients:
    """Build them for a broker's address."""
    settings = KafkaSettings(bootstrap=bootstrap, replication=1)
    return Clients(
        admin=kafka.admin(settings),
        events=kafka.producer(settings, instance=_GROUP),
        matcher=kafka.member(settings, group=_GROUP, instance=_GROUP),
        fan_out=kafka.transactional_producer(settings, transactional_id=_GROUP),
        deliverer=kafka.member(settings, group=f"{_GROUP}.lanes", instance=_GROUP),
    )


def exercise(taking_part: Clients, *, seconds: float, clock: Clock) -> int:
    """Publish, consume and fan out in transactions for a while; trouble ends it early.

    Args:
        taking_part: clients of a broker that holds nothing.
        seconds: how long.
        clock: tells when it is over.

    Returns:
        How many events were fanned out.
    """
    matcher, deliverer, fan_out = taking_part.matcher, taking_part.deliverer, taking_part.fan_out
    until, turn, done = clock.monotonic() + seconds, 0, 0
    try:
        taking_part.admin.ensure(_SPECS, replication=1)
        matcher.subscribe(["events"], _FromTheBeginning(matcher))
        deliverer.subscribe(["lanes", "log"], _FromTheBeginning(deliverer))
        while clock.monotonic() < until:
            turn += 1
            for key in range(1 + turn % 7):
                taking_part.events.produce("events", _VALUE, key=b"%d" % key)
            records = matcher.consume(500, timeout=_POLL)
            deliverer.consume(500, timeout=_NO_WAIT)
            if records:
                _transact(fan_out, records, member=matcher, turn=turn)
                done += len(records)
    except HooklaneError:
        # Whatever it was: what the broker learnt until now is worth keeping.
        return done
    return done


def _transact(
    producer: TransactionalProducer, records: Sequence[Record], *, member: Member, turn: int
) -> None:
    ends = {Partition(r.topic(), r.partition()): r.offset() + 1 for r in records}
    producer.begin()
    for _ in records:
        producer.produce("lanes", _VALUE, key=_KEY, partition=turn % _TOPICS["lanes"])
        producer.produce("log", _VALUE, key=_KEY, partition=turn % _TOPICS["log"])
    producer.send_offsets({at: Committed(offset=end) for at, end in ends.items()}, member)
    producer.commit()


if __name__ == "__main__":
    exercise(clients(sys.argv[1]), seconds=float(sys.argv[2]), clock=SystemClock())
