"""The keys of an ordered lane: one delivery of each is under way, the others wait behind it.

Written by the loop thread alone. A key is the event's own within its source partition; its first
unfinished delivery in the lane is its head, and only heads start. A head that fails stays: it is
parked until it is due, with the progress that its Attempt tells of, and its key with it; other keys
go on. Once it is finished, its successor is the head.

Deliveries without a key have no order, and none of this is asked about them.

Bounded: at most `KEYS_MAX` heads a lane, for that many parked ones fit its commit; and so many
successors a lane, and in all. At a limit the lane takes nothing new, and its heads go on.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import replace
from typing import NamedTuple

from hooklane.adapters.codec import Value
from hooklane.adapters.ports import Record
from hooklane.adapters.rejected import RawRecord
from hooklane.deliverer.settings import DelivererSettings
from hooklane.domain.delivery import Progress, progress_of, to_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.parked import KEYS_MAX, Parked

# Where all lanes together hold too much, each still holds so much.
SUCCESSORS_MIN, SUCCESSORS_BYTES_MIN = 64, 1024 * 1024


class Key(NamedTuple):
    """Whose deliveries are sent one after another."""

    topic: str
    partition: int
    key: bytes


def key_of(delivery: Value) -> Key | None:
    """Give a delivery's key; None where its event had none."""
    if delivery["key"] is None:
        return None
    source = delivery["source"]
    return Key(source["topic"], source["partition"], delivery["key"])


def _stamped(record: Record, progress: Progress) -> Record:
    """Give a record the headers that it would have by now."""
    return RawRecord(
        at_topic=record.topic(),
        at_partition=record.partition(),
        at_offset=record.offset(),
        raw_key=record.key(),
        raw_value=record.value(),
        raw_headers=[*progress.headers()],
        appended_ms=record.timestamp()[1],
    )


def progressed(record: Record, known: Parked) -> Record:
    """Give a record the progress that an earlier owner committed.

    One whose own headers can't be read stays as it is: it is rejected when it is begun.
    """
    try:
        return _stamped(record, known.onto(progress_of(record.headers())))
    except BrokenContract:
        return record


class Successors:
    """How much all ordered lanes of a deliverer hold behind their heads."""

    __slots__ = ("count", "count_max", "lane_count_max", "lane_size_max", "size", "size_max")

    def __init__(self, settings: DelivererSettings) -> None:
        """Begin with nothing held."""
        self.count = self.size = 0
        self.count_max, self.size_max = settings.held_records_max, settings.held_bytes_max
        self.lane_count_max = settings.lane_buffered_records_max
        self.lane_size_max = settings.lane_buffered_bytes_max


class Ordering:
    """One lane's keys within one assignment.

    Args:
        ready: where the lane takes what may be begun next, ahead of all else.
        restored: what the commit says of offsets not yet begun; emptied as they come.
        all_lanes: what is held in all.
    """

    __slots__ = (
        "_all", "_buried", "_due", "_heads", "_keys", "_ready", "_restored", "count", "size",
    )  # fmt: skip

    def __init__(
        self, ready: deque[Record], restored: dict[int, Parked], *, all_lanes: Successors
    ) -> None:
        """Begin with no key under way."""
        self._ready, self._restored, self._all = ready, restored, all_lanes
        # By key, what waits behind its head; the heads by offset; when parked ones are due.
        self._keys: dict[Key, deque[Record]] = {}
        self._heads: dict[int, tuple[Key, Record]] = {}
        self._due: list[tuple[int, int]] = []
        # Heads that died after an attempt, until that is committed.
        self._buried: set[int] = set()
        self.count = self.size = 0

    @property
    def is_full(self) -> bool:
        """Tell whether nothing new may be taken in.

        Restored heads that are still to come have their place: it was theirs in the commit that
        told of them, and what lies before them had its own.
        """
        everything = self._all
        if self.count >= everything.lane_count_max or self.size >= everything.lane_size_max:
            return True
        if len(self._keys) >= KEYS_MAX and not self._restored:
            return True
        too_much = everything.count > everything.count_max or everything.size > everything.size_max
        return too_much and (self.count >= SUCCESSORS_MIN or self.size >= SUCCESSORS_BYTES_MIN)

    def head_at(self, offset: int) -> Record | None:
        """Give the head at this offset; any thread may ask."""
        head = self._heads.get(offset)
        return None if head is None else head[1]

    @property
    def parked(self) -> int:
        """How many heads wait to be tried again."""
        return len(self._due)

    def claims(self, record: Record, delivery: Value) -> bool:
        """Tell whether a delivery may go on; if not, it is kept behind its key's head.

        It must be asked in the lane's order of those not yet asked about.
        """
        key, offset = key_of(delivery), record.offset()
        while self._restored and (first := next(iter(self._restored))) <= offset:
            # Its own, or of an offset that holds nothing any more.
            del self._restored[first]
        if key is None or offset in self._heads:
            return True
        if (behind := self._keys.get(key)) is not None:
            behind.append(record)
            self._held(record, 1)
            return False
        self._keys[key] = deque()
        self._heads[offset] = key, record
        return True

    def waits(self, offset: int, *, due_ms: int) -> bool:
        """Keep a head until it is due; tell whether it is one."""
        if offset not in self._heads:
            return False
        heapq.heappush(self._due, (due_ms, offset))
        return True

    def parks(self, offset: int, progress: Progress) -> None:
        """Keep a head that failed, with this progress, until it is due."""
        assert progress.not_before is not None
        if offset not in self._heads:
            return
        key, record = self._heads[offset]
        self._heads[offset] = key, _stamped(record, replace(progress, hops=0))
        heapq.heappush(self._due, (to_ms(progress.not_before), offset))

    def buries(self, offset: int) -> None:
        """Keep a key waiting whose head died after an attempt, until that is committed.

        Were its successor sent before, and we killed, an heir would attempt the dead one again; it
        might succeed then, too late. A success that is repeated comes too late for nobody.
        """
        if offset in self._heads:
            self._buried.add(offset)

    def buried(self, offset: int) -> None:
        """Learn that a death is committed."""
        if offset in self._buried:
            self._buried.remove(offset)
            self.finished(offset)

    def finished(self, offset: int) -> None:
        """Learn that a delivery is finished: its successor is the head."""
        if offset not in self._heads:
            return
        key, _ = self._heads.pop(offset)
        behind = self._keys[key]
        if not behind:
            del self._keys[key]
            return
        record = behind.popleft()
        self._held(record, -1)
        self._heads[record.offset()] = key, record
        self._ready.append(record)

    def wake(self, now_ms: int) -> bool:
        """Let heads go on that are due; tell whether there are any."""
        if not self._due or self._due[0][0] > now_ms:
            return False
        while self._due and self._due[0][0] <= now_ms:
            _, offset = heapq.heappop(self._due)
            self._ready.append(self._heads[offset][1])
        return True

    def let_go(self) -> None:
        """Let all heads go on, due or not: they are settled without requests."""
        while self._due:
            _, offset = heapq.heappop(self._due)
            self._ready.append(self._heads[offset][1])

    def close(self) -> None:
        """Start nothing more; what is open may still be settled."""
        for behind in self._keys.values():
            behind.clear()
        self._due.clear()
        self._all.count -= self.count
        self._all.size -= self.size
        self.count = self.size = 0

    def _held(self, record: Record, change: int) -> None:
        size = change * len(record.value() or b"")
        self.count += change
        self.size += size
        self._all.count += change
        self._all.size += size
