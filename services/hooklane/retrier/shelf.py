"""The records held until they wake: a heap by time, then lines by endpoint that take turns.

When much is due at once, one endpoint's thousand retries must not make another's one wait.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from hooklane.domain.topics import Partition
from hooklane.retrier.waiting import Held, Waiting


class Shelf:
    """Holds records; bounded by whoever asks `is_full` before `put`."""

    def __init__(self, *, records_max: int, bytes_max: int) -> None:
        """Begin empty."""
        self._records_max, self._bytes_max = records_max, bytes_max
        self._asleep: list[tuple[datetime, int, Held]] = []
        self._awake: OrderedDict[str, deque[Held]] = OrderedDict()
        self._awake_count = 0
        self._bytes = 0
        self._serial = 0

    def __len__(self) -> int:
        return len(self._asleep) + self._awake_count

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more may be read."""
        return len(self) >= self._records_max or self._bytes >= self._bytes_max

    @property
    def has_room(self) -> bool:
        """Tell whether reading may begin again: at three quarters, so that it does not flutter."""
        return (
            len(self) * 4 <= self._records_max * 3
            and self._bytes * 4 <= self._bytes_max * 3
        )  # fmt: skip

    @property
    def has_awake(self) -> bool:
        """Tell whether records wait for their turn."""
        return self._awake_count > 0

    def put(self, held: Held, *, wakes_at: datetime) -> None:
        """Hold a record until then."""
        self._serial += 1
        self._bytes += len(held.value)
        heapq.heappush(self._asleep, (wakes_at, self._serial, held))

    def next_at(self) -> datetime | None:
        """Tell when the next sleeping record wakes."""
        return self._asleep[0][0] if self._asleep else None

    def take(self, now: datetime, *, count_max: int) -> list[Held]:
        """Take out what is awake, endpoints in turn."""
        while self._asleep and self._asleep[0][0] <= now:
            _, _, held = heapq.heappop(self._asleep)
            self._awake.setdefault(held.endpoint_id, deque()).append(held)
            self._awake_count += 1
        taken: list[Held] = []
        while self._awake and len(taken) < count_max:
            endpoint_id, line = self._awake.popitem(last=False)
            taken.append(line.popleft())
            if line:
                self._awake[endpoint_id] = line
        self._awake_count -= len(taken)
        self._bytes -= sum(len(held.value) for held in taken)
        return taken

    def release(self, endpoint_id: str, *, cutoff_ms: int, now: datetime) -> None:
        """Wake an endpoint's records that were appended at most then."""
        for at, (_, serial, held) in enumerate(self._asleep):
            if (
                isinstance(held, Waiting)
                and held.endpoint_id == endpoint_id
                and held.appended_ms <= cutoff_ms
            ):
                self._asleep[at] = (now, serial, replace(held, released=True))
        heapq.heapify(self._asleep)

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget the records of partitions that are no longer ours, or are read anew."""
        gone = set(partitions)
        self._asleep = [row for row in self._asleep if row[2].place.partition not in gone]
        heapq.heapify(self._asleep)
        lines = {
            endpoint_id: deque(held for held in line if held.place.partition not in gone)
            for endpoint_id, line in self._awake.items()
        }
        self._awake = OrderedDict(
            (endpoint_id, line) for endpoint_id, line in lines.items() if line
        )
        self._awake_count = sum(map(len, self._awake.values()))
        self._bytes = sum(len(held.value) for _, _, held in self._asleep)
        self._bytes += sum(len(held.value) for line in self._awake.values() for held in line)
