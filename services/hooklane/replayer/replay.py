"""A replay or resend under way: ranges of the event log read again, for one endpoint.

Each round reads on, takes what the endpoint's subscription wants now, and hands out a batch with
the cursor after it. The ranges are the command's; the cursor says which is under way, and the
offset below which it is done. Records that are no events are counted, told of, and passed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hooklane.adapters.events import EventReader
from hooklane.adapters.fan_out import FanOut
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Clock, Reader, Record
from hooklane.domain.cursor import Cursor
from hooklane.domain.delivery import Trigger
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.event import Event
from hooklane.domain.topics import Topics
from hooklane.replayer.bucket import Bucket
from hooklane.replayer.command import RESEND, Command
from hooklane.replayer.settings import ReplayerSettings

READ_WAIT = timedelta(milliseconds=200)
ROUNDS_A_SLICE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """How past events are read."""

    reader: Reader
    admin: Admin
    events: EventReader
    topics: Topics
    settings: ReplayerSettings
    clock: Clock
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Events that the endpoint gets, and where the cursor is after them."""

    events: Sequence[Event]
    cursor: Cursor


@dataclass(slots=True, kw_only=True)
class _Taken:
    """What one round took from the log."""

    events: list[Event] = field(default_factory=list)
    size: int = 0
    seen: int = 0
    refused: int = 0
    error: str = ""


class Replay:
    """One replay or resend command's work; it has the reader between `enter` and `leave`."""

    def __init__(self, command: Command, cursor: Cursor, *, past: EventLog) -> None:
        """Begin at a cursor."""
        self.command, self.cursor, self._past = command, cursor, past
        self.trigger = Trigger.RESEND if command.kind == RESEND else Trigger.REPLAY
        self.fan_out = FanOut(past.topics, trigger=self.trigger, command_id=command.command_id)
        self._bucket = Bucket(
            command.rate_per_s,
            # Every event is written as two: its delivery and its receipt.
            most=max(1, past.settings.transaction_records_max // 2),
            moment=past.clock.monotonic(),
        )
        self._unread: deque[Record] = deque()
        self._reads_range, self._rounds = -1, 0
        self._is_known = self._must_wait = False

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.cursor.partition >= len(self.command.ranges)

    @property
    def is_between_slices(self) -> bool:
        """Tell whether another command may have the reader now."""
        return self._must_wait or self._rounds >= ROUNDS_A_SLICE or not self._unread

    @property
    def wait_s(self) -> float:
        """How long its rate makes it wait, 0 where it does not."""
        return self._bucket.wait_s if self._must_wait else 0.0

    def enter(self) -> None:
        """Begin a slice."""
        self._rounds, self._must_wait = 0, False

    def leave(self) -> None:
        """Let another command have the reader: what was read ahead is read again."""
        self._unread.clear()
        self._reads_range = -1

    def round(self, endpoint: Endpoint) -> Replayed | None:
        """Read on; give a batch, which may be empty, where the cursor moves.

        Raises:
            Unavailable: an event's schema, or the log, can't be read now.
        """
        self._rounds += 1
        if not self._is_in_range():
            return None
        settings = self._past.settings
        room = self._bucket.room(self._past.clock.monotonic())
        self._must_wait = room == 0
        if self._must_wait:
            return None
        if not self._unread:
            records = self._past.reader.read(settings.read_records_max, timeout=READ_WAIT)
            self._unread.extend(records)
        taken = self._take(endpoint, room)
        self._bucket.take(len(taken.events))
        after = self._after(taken)
        return None if after == self.cursor else Replayed(events=taken.events, cursor=after)

    def committed(self, replayed: Replayed) -> None:
        """Learn that a batch is done for good."""
        self.cursor = replayed.cursor

    def _is_in_range(self) -> bool:
        """Have the reader at the cursor; pass a range of which nothing is there any more."""
        if self._reads_range == self.cursor.partition:
            return True
        place, first, end = self.command.ranges[self.cursor.partition]
        past, at = self._past, max(first, self.cursor.done)
        if not self._is_known:
            topics = {one.place.topic for one in self.command.ranges}
            past.events.know(
                cluster=past.admin.cluster_id(), topic_ids=past.admin.topic_ids(topics)
            )
            self._is_known = True
        log_start, _ = past.admin.ends([place]).get(place, (end, end))
        if log_start > at:
            self._log("replay.gap", place=place, first=at, log_start=log_start)
        if log_start >= end:
            self.cursor = _next_range(self.cursor)
            return False
        self._unread.clear()
        past.reader.start({place: max(at, log_start)})
        self._reads_range = self.cursor.partition
        return True

    def _take(self, endpoint: Endpoint, room: int) -> _Taken:
        """Take what is unread one by one, and keep what the endpoint gets."""
        taken, unread = _Taken(), self._unread
        place, _, end = self.command.ranges[self.cursor.partition]
        size_max = self._past.settings.transaction_bytes_max
        while unread and unread[0].offset() < end:
            if len(taken.events) >= room or taken.size >= size_max:
                break
            event: Event | None = None
            try:
                event = self._past.events.read(unread[0])
            except BrokenContract as error:
                taken.refused += 1
                taken.error = taken.error or f"{unread[0].offset()}: {error}"
            except Unavailable:
                if taken.seen:
                    break  # what was read before it goes first; the next round waits
                raise
            unread.popleft()
            taken.seen += 1
            if event is not None and self._is_for(endpoint, event):
                taken.events.append(event)
                taken.size += len(event.payload)
        if taken.refused:
            self._log("replay.passed", count=taken.refused, place=place, first=taken.error)
        return taken

    def _is_for(self, endpoint: Endpoint, event: Event) -> bool:
        if endpoint.tenant != event.tenant or not endpoint.subscription.wants(event.event_type):
            return False
        return self.command.kind != RESEND or event.event_id == self.command.event_id

    def _after(self, taken: _Taken) -> Cursor:
        """Give the cursor behind what was taken, markers included."""
        place, _, end = self.command.ranges[self.cursor.partition]
        unread, cursor = self._unread, self.cursor
        reached = unread[0].offset() if unread else self._past.reader.position(place)
        after = replace(
            cursor,
            done=max(cursor.done, min(reached, end)),
            count=cursor.count + len(taken.events),
            seen=cursor.seen + taken.seen,
            refused=cursor.refused + taken.refused,
        )
        return _next_range(after) if after.done >= end else after

    def _log(self, what: str, **fields: object) -> None:
        self._past.log(what, level="warning", command=self.command.command_id, **fields)


def _next_range(cursor: Cursor) -> Cursor:
    return replace(cursor, partition=cursor.partition + 1, done=0)
