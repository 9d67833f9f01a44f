"""The tier partitions this process has, and how far each is read: to a little past what is due.

A tier is a queue, so its head is enough: a partition is read until a record's tier is over only
after the lookahead, then sought back to that record and paused until shortly before. It also stops
where the shelf is full, or its span is as wide as the commit's metadata can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hooklane.adapters.first_commits import begin_at
from hooklane.adapters.log import Log
from hooklane.adapters.metrics import GAPS
from hooklane.adapters.ports import Clock, Member, Record
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import (
    FINISHED,
    Committed,
    OffsetTracker,
    decode_metadata,
    finished_in,
)
from hooklane.domain.retry import SLACK
from hooklane.domain.topics import Partition
from hooklane.retrier import releases, trimming
from hooklane.retrier.releases import Releases
from hooklane.retrier.settings import RetrierSettings
from hooklane.retrier.shelf import Shelf
from hooklane.retrier.waiting import Held, Waiting, held, tier_over_at

# A resumed partition is fetched again only after up to one fetch.wait.max.ms.
RESUME_EARLY = timedelta(seconds=1)
# One stopped behind a gap its span can't bridge yet would else be fetched again and again.
TOO_FAR_WAIT = timedelta(seconds=1)


class TierPartition:
    """One assigned partition: its tracker, the rest of its metadata, and whether it is read."""

    def __init__(self, *, tier: timedelta, committed: Committed) -> None:
        """Begin at a commit.

        Raises:
            BrokenContract: its metadata can't be read.
        """
        fields = decode_metadata(committed.metadata)
        self.tier = tier
        self.committed = committed
        self.tracker = OffsetTracker(committed.offset, finished_in(committed))
        self.checkpoint = trimming.checkpoint_of(fields.pop(trimming.FIELD, None))
        self.releases = Releases(fields.pop(releases.FIELD, None))
        # Other fields belong to others and are kept as they are.
        self.fields = {name: text for name, text in fields.items() if name != FINISHED}
        self.stopped_until: datetime | None = None
        # After a seek the member's position says nothing until a record came.
        self.knows_position = False

    def commit(self) -> Committed:
        """Give what to commit now."""
        fields = dict(self.fields)
        if self.checkpoint is not None:
            fields[trimming.FIELD] = self.checkpoint.text()
        if released := self.releases.text():
            fields[releases.FIELD] = released
        return self.tracker.commit(fields)

    def horizon_ms(self, now: datetime) -> int:
        """Say what was appended so long ago that it is due whether released or not."""
        return max(0, to_ms(now - self.tier - SLACK))

    def admit(self, now: datetime) -> None:
        """Begin releases that wait for their turn, and end those that are over."""
        if self.releases:
            tracker = self.tracker
            self.releases.admit(
                known_to=tracker.known_to, prefix=tracker.prefix, horizon_ms=self.horizon_ms(now)
            )

    def finish(self, offset: int) -> None:
        """Count a record finished; one past the tracker is told by its release."""
        if self.tracker.is_open(offset):
            self.tracker.finish(offset)


class Tiers:
    """All of them; the member's listener."""

    def __init__(
        self,
        member: Member,
        shelf: Shelf,
        *,
        settings: RetrierSettings,
        clock: Clock,
        log: Log,
    ) -> None:
        """Begin with none."""
        self._member, self._shelf = member, shelf
        self._delays: Mapping[str, timedelta] = {}
        # Endpoints that are released, and what of theirs: appended at most then.
        self._cutoffs: Mapping[str, int] = {}
        self._settings, self._clock, self._log = settings, clock, log
        self._pending: set[Partition] = set()
        self.unreadable: set[Partition] = set()
        self.assigned: dict[Partition, TierPartition] = {}
        self.ahead = timedelta(0)

    def subscribe(
        self, delays: Mapping[str, timedelta], *, cutoffs: Mapping[str, int] | None = None
    ) -> None:
        """Join the group for these topics, each with its delay.

        Args:
            delays: by topic.
            cutoffs: which endpoints are released, kept up by its owner; `release` tells of news.
        """
        self._delays, self._cutoffs = delays, {} if cutoffs is None else cutoffs
        self._member.subscribe(list(delays), self)

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        """Remember them for `adopt`."""
        self._pending.update(partitions)

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Let go: every finished record is already in a committed transaction."""
        stopped = [p for p in partitions if self._is_stopped(p)]
        # The client keeps a pause of ours across assignments.
        self._member.resume(stopped)
        self._forget(partitions)

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        """Let go."""
        self._forget(partitions)

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        """Record that waiting deliveries are gone; reading goes on at the log's start."""
        GAPS.inc()
        self._log("gap.found", level="error", partition=partition, log_start=log_start)

    def adopt(self) -> None:
        """Start the newly assigned partitions at their commits.

        Raises:
            Unavailable: a commit could not be read or written; they stay pending.
        """
        if not self._pending:
            return
        pending = sorted(self._pending)
        commits = begin_at(self._member, pending)
        starts = {}
        for partition, commit in commits.items():
            if self._begin(partition, commit):
                starts[partition] = commit.offset
        self._member.assign(starts)
        self._pending.difference_update(pending)
        self._log("tiers.assigned", count=len(self.assigned), new=len(starts))

    def rewind(self) -> None:
        """Go back to the last commits after an abort.

        Raises:
            Unavailable: they could not be read; to be called again.
        """
        partitions = sorted(self.assigned)
        committed = self._member.committed(partitions)
        self._shelf.drop(partitions)
        for partition in partitions:
            commit = committed.get(partition) or self.assigned[partition].committed
            if self._begin(partition, commit):
                self._member.seek(partition, commit.offset)
        self._member.resume(partitions)

    def release(self, cutoffs: Mapping[str, int]) -> None:
        """Let these endpoints' records go at once that were appended at most then."""
        now = self._clock.now()
        for endpoint_id, cutoff_ms in cutoffs.items():
            self._shelf.release(endpoint_id, cutoff_ms=cutoff_ms, now=now)
            for tier in self.assigned.values():
                if cutoff_ms >= tier.horizon_ms(now):
                    tier.releases.ask(endpoint_id, cutoff_ms=cutoff_ms)

    def admit(self) -> None:
        """Begin releases that wait for their turn, and end those that are over."""
        now = self._clock.now()
        for tier in self.assigned.values():
            tier.admit(now)

    def take(self, records: Iterable[Record]) -> None:
        """Put what is soon due on the shelf; stop partitions whose next record is not."""
        now = self._clock.now()
        horizon = now + self._settings.lookahead
        for record in records:
            partition = Partition(record.topic(), record.partition())
            tier = self.assigned.get(partition)
            if tier is None or tier.stopped_until is not None:
                continue  # lost, or stopped earlier in this batch: it comes again after the seek
            over_at = tier_over_at(record, tier.tier)
            self.ahead = max(self.ahead, over_at - tier.tier - now)
            if over_at > horizon:
                self._stop(partition, at=record.offset(), until=over_at - RESUME_EARLY)
            elif self._shelf.is_full:
                self._stop(partition, at=record.offset(), until=now)
            elif self._is_too_far(tier, record.offset()):
                self._stop(partition, at=record.offset(), until=now + TOO_FAR_WAIT)
            elif record.offset() >= tier.tracker.position:
                tier.knows_position = True
                if tier.tracker.receive(record.offset()):
                    self._hold(held(record, tier=tier.tier), tier, now=now)

    def resume(self) -> None:
        """Read on where a partition's time came and there is room."""
        now, room = self._clock.now(), self._shelf.has_room
        if not room:
            return
        resumed = [
            partition
            for partition, tier in self.assigned.items()
            if tier.stopped_until is not None
            and tier.stopped_until <= now
            and tier.tracker.span <= self._span_max(tier) * 3 // 4
        ]
        for partition in resumed:
            self.assigned[partition].stopped_until = None
        if resumed:
            self._member.resume(resumed)

    def advance(self) -> None:
        """Pass transaction markers, where the position is known."""
        for partition, tier in self.assigned.items():
            if tier.knows_position and tier.stopped_until is None:
                position = self._member.position(partition)
                if position is not None and not self._is_too_far(tier, position):
                    tier.tracker.advance(position)

    def _hold(self, item: Held, tier: TierPartition, *, now: datetime) -> None:
        wakes_at = now
        if isinstance(item, Waiting):
            if tier.releases.has_taken(item.endpoint_id, item.place.offset):
                tier.finish(item.place.offset)
                return
            if item.appended_ms <= self._cutoffs.get(item.endpoint_id, -1):
                item = replace(item, released=True)
            else:
                wakes_at = item.wakes_at
        self._shelf.put(item, wakes_at=wakes_at)

    def _is_too_far(self, tier: TierPartition, offset: int) -> bool:
        """Tell whether the commit's metadata could no longer tell what is finished below this."""
        if tier.tracker.open_count == 0:
            # Nothing lies between but what aborted transactions left: that may be any number.
            tier.tracker.advance(offset)
            return False
        return offset - tier.tracker.prefix >= self._span_max(tier)

    def _span_max(self, tier: TierPartition) -> int:
        # Releases leave the bitmap less room.
        return min(self._settings.span_max, tier.releases.span_max)

    def _stop(self, partition: Partition, *, at: int, until: datetime) -> None:
        tier = self.assigned[partition]
        tier.stopped_until, tier.knows_position = until, False
        self._member.pause([partition])
        self._member.seek(partition, at)

    def _begin(self, partition: Partition, commit: Committed) -> bool:
        try:
            tier = TierPartition(tier=self._delays[partition.topic], committed=commit)
        except BrokenContract as error:
            # Guessing would lose or double what waits there: it stays unread, and we not ready.
            self._log("commit.unreadable", level="error", partition=partition, error=str(error))
            self.unreadable.add(partition)
            self.assigned.pop(partition, None)
            return False
        for endpoint_id, cutoff_ms in self._cutoffs.items():
            if cutoff_ms >= tier.horizon_ms(self._clock.now()):
                tier.releases.ask(endpoint_id, cutoff_ms=cutoff_ms)
        self.assigned[partition] = tier
        return True

    def _is_stopped(self, partition: Partition) -> bool:
        tier = self.assigned.get(partition)
        return tier is not None and tier.stopped_until is not None

    def _forget(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self.assigned.pop(partition, None)
            self._pending.discard(partition)
            self.unreadable.discard(partition)
        self._shelf.drop(partitions)
