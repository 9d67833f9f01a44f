"""A resubmit under way: rejected events read raw and matched again, one after another.

An event keeps its original position as identity, so one that is submitted twice makes the same
deliveries. One that was rejected in the midst of its fan-out goes on behind what was committed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hooklane.adapters.events import EventReader
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Reader, Record
from hooklane.adapters.rejected import begun_in, original_of
from hooklane.domain.cursor import Cursor
from hooklane.domain.errors import BrokenContract, NotFound, Unavailable
from hooklane.domain.event import Event
from hooklane.domain.parts import Begun
from hooklane.domain.topics import Partition
from hooklane.replayer.command import Command, RejectedAt

READ_WAIT = timedelta(milliseconds=200)
READS_MAX = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubmitted:
    """One event to match, where in its fan-out that goes on, and the cursor after it."""

    event: Event
    begun: Begun | None
    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEvents:
    """Where rejected events are read, and how."""

    topic: str
    reader: Reader
    admin: Admin
    events: EventReader
    log: Log

    def event_at(self, place: RejectedAt) -> tuple[Event, Begun | None]:
        """Read the event that was rejected, and how far it had been done.

        Raises:
            NotFound: there is no such record (any more).
            BrokenContract: it is no event, still.
            Unavailable: its schema, or the record, can't be read now.
        """
        rejected = self._record(place)
        original, begun = original_of(rejected), begun_in(rejected)
        self.events.know(
            cluster=self.admin.cluster_id(), topic_ids=self.admin.topic_ids([original.topic()])
        )
        return self.events.read(original), begun

    def _record(self, place: RejectedAt) -> Record:
        partition = Partition(self.topic, place.partition)
        log_start, end = self.admin.ends([partition]).get(partition, (0, 0))
        if log_start <= place.offset < end:
            self.reader.start({partition: place.offset})
            for _ in range(READS_MAX):
                for record in self.reader.read(1, timeout=READ_WAIT):
                    if record.offset() == place.offset:
                        return record
                if self.reader.position(partition) > place.offset:
                    break
            else:
                # It lies there: a slow broker must not make it seem gone.
                raise Unavailable(f"{self.topic}/{place.partition} can't be read now")
        raise NotFound(f"{self.topic}/{place.partition}/{place.offset}")


class Resubmit:
    """One resubmit command's work."""

    # Each round is whole, so another command may always come in between.
    is_between_slices = True

    def __init__(self, command: Command, cursor: Cursor, *, rejected: RejectedEvents) -> None:
        """Begin at a cursor, which counts the positions done."""
        self.command, self.cursor, self._rejected = command, cursor, rejected

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.cursor.done >= len(self.command.positions)

    def round(self) -> Resubmitted | None:
        """Read the next event; one that is still none stays where it is, and is passed.

        Raises:
            Unavailable: it can't be read now; the next round tries again.
        """
        place, after = self.command.positions[self.cursor.done], self.cursor.done + 1
        try:
            event, begun = self._rejected.event_at(place)
        except (BrokenContract, NotFound) as error:
            self._rejected.log(
                "rejected_event.refused",
                level="warning",
                command=self.command.command_id,
                partition=place.partition,
                offset=place.offset,
                error=str(error),
            )
            self.cursor = replace(self.cursor, done=after)
            return None
        cursor = replace(self.cursor, done=after, count=self.cursor.count + 1)
        return Resubmitted(event=event, begun=begun, cursor=cursor)

    def committed(self, resubmitted: Resubmitted) -> None:
        """Learn that an event is done for good."""
        self.cursor = resubmitted.cursor
