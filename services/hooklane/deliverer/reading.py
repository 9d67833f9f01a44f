"""A lane as the poll thread reads it: the offsets' fate, what is committed, what is paused.

Written by the poll thread alone. Beside the finished offsets the commit's metadata carries a
checkpoint: where the prefix was, and when. Once that is `lane_keep` old all below it goes, and the
next checkpoint begins; it outlives process and assignment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.deliverer.lane import Lane
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.offsets import Committed, OffsetTracker, decode_metadata, finished_in
from hooklane.domain.parked import PARKED, Parked, decode_parked, encode_parked

# Until it was seen otherwise an endpoint takes whatever there is.
PACE_MAX = 1e6
CHECKPOINT = "t"
_CHECKPOINT = re.compile(r"^([0-9]{1,18})@([0-9]{1,14})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where the committed prefix was, and when."""

    offset: int
    at: datetime

    def text(self) -> str:
        """Write it as a metadata field."""
        return f"{self.offset}@{to_ms(self.at)}"

    def is_ripe(self, *, now: datetime, keep: timedelta) -> bool:
        """Tell whether what lies below may be deleted."""
        return now - self.at >= keep


def checkpoint_of(text: str | None) -> Checkpoint | None:
    """Read a metadata field; an unreadable one is none, which only puts trimming off."""
    found = _CHECKPOINT.match(text or "")
    return None if found is None else Checkpoint(offset=int(found[1]), at=from_ms(int(found[2])))


class Reading:
    """One lane's offsets within one assignment."""

    __slots__ = (
        "checkpoint",
        "committed",
        "committed_at",
        "dirty",
        "ended_before",
        "fed",
        "forgetting",
        "lane",
        "pace",
        "parked",
        "partition",
        "paused",
        "quiet_s",
        "read_to",
        "resume_at",
        "tracker",
    )

    def __init__(self, lane: Lane, *, start: int, committed: Committed | None) -> None:
        """Begin at a commit, or at `start` where there is none.

        Raises:
            BrokenContract: the commit's metadata can't be read.
        """
        self.lane = lane
        self.partition = lane.partition
        finished = () if committed is None else finished_in(committed)
        self.tracker = OffsetTracker(start if committed is None else committed.offset, finished)
        fields = decode_metadata(None if committed is None else committed.metadata)
        self.checkpoint = checkpoint_of(fields.get(CHECKPOINT))
        # How far deliveries have come that failed and stay open here, by offset.
        prefix = self.tracker.position
        self.parked: dict[int, Parked] = decode_parked(fields.get(PARKED), prefix=prefix)
        lane.restored.update(self.parked)
        # As far as this owner knows; None makes the first commit.
        self.committed: Committed | None = committed
        # When this owner last committed it (monotonic).
        self.committed_at: float | None = None
        # Something settled is counted finished here and not yet committed.
        self.dirty = False
        self.fed = 0
        self.paused = False
        self.forgetting = False
        # Where to read on once resumed; None: where it was.
        self.resume_at: int | None = None
        # Which offset comes next; below the tracker's position where records are read again.
        self.read_to = self.tracker.position
        # Deliveries a second its endpoint can take, as seen so far; and for how long none ended.
        self.pace = PACE_MAX
        self.quiet_s = 0.0
        self.ended_before = 0

    @property
    def buffered(self) -> int:
        """How many records were handed to the loop and not begun."""
        return self.fed - self.lane.left

    @property
    def waits(self) -> bool:
        """Tell whether the lane waits for somebody else."""
        return self.lane.waits

    @property
    def rereads(self) -> bool:
        """Tell whether what comes next was read before: it does not lengthen the span."""
        ahead = self.read_to if self.resume_at is None else self.resume_at
        return ahead < self.tracker.position

    def commit(self) -> Committed:
        """Give what to commit now."""
        fields = {} if self.checkpoint is None else {CHECKPOINT: self.checkpoint.text()}
        if self.parked and (still := self.still_parked()):
            fields[PARKED] = encode_parked(still, prefix=self.tracker.prefix)
        return self.tracker.commit(fields)

    def settled(self, offset: int, parked: Parked | None) -> None:
        """Count an open delivery finished, or as far as this where it stays parked."""
        self.dirty = True
        if parked is not None:
            self.parked[offset] = parked
            return
        self.parked.pop(offset, None)
        self.tracker.finish(offset)

    def still_parked(self) -> dict[int, Parked]:
        """Give the failed deliveries of an ordered lane, each the head of its key, by offset."""
        # One whose record is gone from the log stays behind the position, and is none.
        tracker = self.tracker
        return {
            offset: parked
            for offset, parked in self.parked.items()
            if offset >= tracker.position or tracker.is_open(offset)
        }

    def committed_now(self, committed: Committed, *, at: float) -> None:
        """Learn that this is committed."""
        self.committed, self.committed_at, self.dirty = committed, at, False

    def read_again_from(self, offset: int | None) -> None:
        """Go back there when resumed."""
        if offset is not None and (self.resume_at is None or offset < self.resume_at):
            self.resume_at = offset
