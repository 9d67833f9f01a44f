"""The traffic a broker is trained on: what Hooklane's services do to one, in little.

The JVM notes which methods were hot and how they were called, so that a broker started from the
notes compiles at once what a cold one would find out within a minute of traffic.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.ports import Member
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import HooklaneError, TransactionAborted
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, TopicSpec

_TOPICS = {"events": 4, "lanes": 10, "log": 4}
_VALUE, _KEY = b"x" * 1_000, b"key"
_GROUP = "exercise"
_POLL = timedelta(milliseconds=20)


class _FromTheBeginning:
    """Assigns whatever is given from the first offset on."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.partitions: set[Partition] = set()

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        self.partitions.update(partitions)
        self._member.committed(partitions)
        self._member.assign(dict.fromkeys(partitions, 0))

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        self.partitions.difference_update(partitions)

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        self.partitions.difference_update(partitions)

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        pass


def exercise(bootstrap: str, *, seconds: float) -> None:
    """Publish, consume and fan out in transactions for a while; trouble ends it early.

    Args:
        bootstrap: address of a broker that holds nothing.
        seconds: how long.
    """
    settings = KafkaSettings(bootstrap=bootstrap, replication=1)
    clock = SystemClock()
    admin = kafka.admin(settings)
    specs = [TopicSpec(name=name, partitions=count, settings={}) for name, count in _TOPICS.items()]
    events = kafka.producer(settings, instance=_GROUP)
    member = kafka.member(settings, group=_GROUP, instance=_GROUP)
    readers = kafka.member(settings, group=f"{_GROUP}.lanes", instance=_GROUP)
    fan_out = kafka.transactional_producer(settings, transactional_id=_GROUP)
    owner = _FromTheBeginning(member)
    try:
        admin.ensure(specs, replication=1)
        member.subscribe(["events"], owner)
        readers.subscribe(["lanes", "log"], _FromTheBeginning(readers))
        until, number = clock.monotonic() + seconds, 0
        while clock.monotonic() < until:
            number += 1
            for key in range(number % 7):
                events.produce("events", _VALUE, key=b"%d" % key)
            records = member.consume(500, timeout=_POLL)
            readers.consume(500, timeout=timedelta(0))
            if not records:
                continue
            done = {Partition(r.topic(), r.partition()): r.offset() + 1 for r in records}
            fan_out.begin()
            fan_out.send_offsets({p: Committed(offset=end) for p, end in done.items()}, member)
            for _ in records:
                fan_out.produce("lanes", _VALUE, key=_KEY, partition=number % 10)
                fan_out.produce("log", _VALUE, key=_KEY, partition=number % 4)
            try:
                fan_out.commit()
            except TransactionAborted:
                continue
    except HooklaneError:
        return
    finally:
        for port in (member, readers, events, fan_out, admin):
            port.close()


if __name__ == "__main__":
    exercise(sys.argv[1], seconds=float(sys.argv[2]))
