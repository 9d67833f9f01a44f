"""The endpoint table: what a process has read of `hooklane.endpoints`, and how far.

Every process keeps its own whole copy, so that delivering needs Kafka alone. `offset` is a
consumer position: every change below it is in the table. A process that is told of a change it has
not read yet (a record's `table_offset`) reads on before it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Clock, Producer, Reader, Record
from hooklane.adapters.records import endpoint_of
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.matching import MatchIndex
from hooklane.domain.topics import Partition

_NO_WAIT = timedelta(0)
_SHORT_WAIT = timedelta(milliseconds=100)
_BATCH = 1_000
_TOLD_AGAIN_AFTER_S = 30.0
_LANES_TOLD_EVERY_S = 1.0

OnChange = Callable[[str, Endpoint | None], None]


def _ignore(_id: str, _endpoint: Endpoint | None) -> None:
    """Do nothing on a change."""


class EndpointTable:
    """One process's copy of the endpoint table.

    Args:
        reader: reads the topic; the table owns it.
        topic: `Topics.endpoints`.
        clock: for deadlines of reading to an offset.
        on_change: told of each endpoint's new revision, None once its tombstone was read.
    """

    def __init__(
        self,
        reader: Reader,
        topic: str,
        *,
        clock: Clock,
        on_change: OnChange = _ignore,
        log: Log = no_log,
    ) -> None:
        """Begin with an empty table; `start` reads it."""
        self._reader, self._clock, self._on_change, self._log = reader, clock, on_change, log
        self._partition = Partition(topic, 0)
        self.index = MatchIndex()
        self._unreadable: set[str] = set()
        self.offset = 0

    def start(self) -> None:
        """Read the whole table to its present end.

        Raises:
            Unavailable: the topic can't be read now.
        """
        log_start, _ = self._reader.ends(self._partition)
        self._reader.start({self._partition: log_start})
        self.offset = log_start
        self.read_to_end()
        self._log("table.read", endpoints=len(self.index), table_offset=self.offset)

    def get(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint's newest revision, if the table has it."""
        return self.index.get(endpoint_id)

    def knows_nothing_of(self, endpoint_id: str) -> bool:
        """Tell whether there is an endpoint of which no revision can be read: not a deleted one."""
        return endpoint_id in self._unreadable and self.index.get(endpoint_id) is None

    def poll(self) -> bool:
        """Take in what is there without waiting; tell whether the position moved."""
        return self._read(_NO_WAIT)

    def read_to_end(self, *, timeout: timedelta = timedelta(seconds=10)) -> None:
        """Read to the end as it is now.

        Raises:
            Unavailable: it could not be reached in time.
        """
        _, end = self._reader.ends(self._partition)
        self.read_to(end, timeout=timeout)

    def read_to(self, offset: int, *, timeout: timedelta = timedelta(seconds=10)) -> None:
        """Read at least to this position.

        Args:
            offset: the position.
            timeout: how long nothing may come; a long table takes the time that it takes.

        Raises:
            Unavailable: the table ends below it (an alarm: decide nothing), or can't be read.
        """
        deadline = self._clock.monotonic() + timeout.total_seconds()
        while self.offset < offset:
            if self._read(_SHORT_WAIT):
                deadline = self._clock.monotonic() + timeout.total_seconds()
            elif self._clock.monotonic() >= deadline:
                raise Unavailable(f"endpoint table is at {self.offset}, needed is {offset}")

    def _read(self, timeout: timedelta) -> bool:
        before = self.offset
        for record in self._reader.read(_BATCH, timeout=timeout):
            self._take(record)
        self.offset = max(self.offset, self._reader.position(self._partition))
        return self.offset > before

    def _take(self, record: Record) -> None:
        key, value = record.key(), record.value()
        if key is None:
            return
        endpoint_id = key.decode(errors="replace")
        self._unreadable.discard(endpoint_id)
        if value is None:
            self.index.remove(endpoint_id)
            self._on_change(endpoint_id, None)
            return
        try:
            endpoint = endpoint_of(codec("endpoint").decode(value))
        except BrokenContract as error:
            self._unreadable.add(endpoint_id)
            self._log("endpoint.unreadable", level="error", endpoint=endpoint_id, error=str(error))
            return
        known = self.index.get(endpoint_id)
        if known is None or endpoint.revision > known.revision:
            self.index.put(endpoint)
            self._on_change(endpoint_id, endpoint)


class PositionReport:
    """Tells control how far this process's table is, through `hooklane.positions`.

    And of a deliverer which of its lanes flow less than they may: that changes often, and is told
    once a second at most.
    """

    def __init__(self, producer: Producer, topic: str, *, instance: str, clock: Clock) -> None:
        """Begin with nothing told; `instance` is the process's client.id."""
        self._producer, self._topic, self._instance = producer, topic, instance
        self._clock = clock
        self._told: tuple[int, int] | None = None
        self._told_lanes: Sequence[Value] = ()
        self._told_at = float("-inf")

    def tell(
        self, table_offset: int, *, assigned_lanes: int = 0, lanes: Sequence[Value] = ()
    ) -> None:
        """Write the position if it changed, and every half minute: a record may be lost.

        Args:
            table_offset: how far the table was read.
            assigned_lanes: how many lanes are assigned.
            lanes: those of them that are not plain, as `LaneFlow` of the position's schema.
        """
        moment, told = self._clock.monotonic(), (table_offset, assigned_lanes)
        since_s = moment - self._told_at
        lanes_are_due = since_s >= _LANES_TOLD_EVERY_S and lanes != self._told_lanes
        if since_s < _TOLD_AGAIN_AFTER_S and self._told == told and not lanes_are_due:
            return
        value = {
            "instance": self._instance,
            "table_offset": table_offset,
            "at": to_ms(self._clock.now()),
            "assigned_lanes": assigned_lanes,
            "lanes": lanes,
        }
        self._producer.produce(
            self._topic, codec("position").encode(value), key=self._instance.encode()
        )
        self._told, self._told_lanes, self._told_at = told, lanes, moment
