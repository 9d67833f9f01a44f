"""Which part of the event log a replay means, and whether it is still there.

Reads topics, log starts and ends, and where a time lies in each log. Promises: what is answered is
there when it is asked for; what the log no longer holds is refused, with what it does hold, unless
the caller takes that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hooklane.adapters.ports import Admin
from hooklane.adapters.replay_store import SourceRange
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Conflict, Invalid
from hooklane.domain.sources import Sources
from hooklane.domain.topics import Partition

# So many fit a command's record, and the replayer's memory.
RANGES_MAX = 1_000
_SHOWN_MAX = 20

Ends = Mapping[Partition, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """A span of time: from `since` on, before `until`; by the logs' own stamps."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """A span of offsets: from `first` on, below `end`; None is the log's own start and end."""

    partition: int | None = None
    first: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLog:
    """Looks at source topics for whoever asks."""

    admin: Admin
    sources: Sources

    def by_times(
        self, times: Times, *, topic: str | None, takes_rest: bool
    ) -> tuple[SourceRange, ...]:
        """Give the ranges that a span of time is in every source partition, or a topic's.

        Args:
            times: which.
            topic: a source topic; None for all.
            takes_rest: whether what is still there will do.

        Raises:
            Conflict: a log begins within the span, so that some of it is gone.
            Invalid: the topic is no source, or there are too many partitions.
        """
        places = self._places(topic)
        ends = self.admin.ends(places)
        since = dict.fromkeys(places, max(0, to_ms(times.since)))
        firsts = self.admin.offsets_for_times(since)
        lasts: Mapping[Partition, int] = {}
        if times.until is not None:
            until = dict.fromkeys(places, max(0, to_ms(times.until)))
            lasts = self.admin.offsets_for_times(until)
        found = {
            place: (firsts.get(place, end), lasts.get(place, end))
            for place, (_, end) in ends.items()
        }
        # Of a log that begins at 0 nothing is gone; of one without a record nothing is known.
        cut = [place for place, (low, high) in ends.items() if 0 < low == found[place][0] < high]
        if cut and not takes_rest:
            raise _gone(cut, ends, "some of that time is gone from the log")
        return _ranges(found)

    def by_offsets(
        self, topic: str, offsets: Offsets, *, takes_rest: bool
    ) -> tuple[SourceRange, ...]:
        """Give the ranges that a span of offsets is in a partition of a topic, or in all.

        Raises:
            Conflict: the log holds less than that.
            Invalid: the topic is no source, has no such partition, or the span is none.
        """
        places = self._places(topic)
        if offsets.partition is not None:
            places = [place for place in places if place.partition == offsets.partition]
            if not places:
                raise Invalid(f"partition: {topic} has no partition {offsets.partition}")
        ends = self.admin.ends(places)
        found = {
            place: (
                low if offsets.first is None else offsets.first,
                high if offsets.end is None else offsets.end,
            )
            for place, (low, high) in ends.items()
        }
        beyond = [
            place
            for place, (first, end) in found.items()
            if first < ends[place][0] or end > ends[place][1]
        ]
        if beyond and not takes_rest:
            raise _gone(beyond, ends, "the log does not hold all of that")
        return _ranges(
            {
                place: (max(first, ends[place][0]), min(end, ends[place][1]))
                for place, (first, end) in found.items()
            }
        )

    def at(self, place: Partition, offset: int) -> SourceRange:
        """Give the range that is one record.

        Raises:
            Conflict: the log no longer holds it.
        """
        low, high = self.admin.ends([place]).get(place, (0, 0))
        if not low <= offset < high:
            raise Conflict(
                f"the log no longer holds the event: {place.topic}/{place.partition} has offsets "
                f"{low} to {high}, it was {offset}"
            )
        return SourceRange(place.topic, place.partition, offset, offset + 1)

    def _places(self, topic: str | None) -> list[Partition]:
        topics = self.admin.topics()
        chosen = self.sources.among(topics)
        if topic is not None:
            if topic not in chosen:
                raise Invalid(f"topic: {topic} is no source of events")
            chosen = frozenset((topic,))
        return [
            Partition(name, number) for name in sorted(chosen) for number in range(topics[name])
        ]


def _ranges(found: Mapping[Partition, tuple[int, int]]) -> tuple[SourceRange, ...]:
    ranges = tuple(
        SourceRange(place.topic, place.partition, first, end)
        for place, (first, end) in sorted(found.items())
        if first < end
    )
    if len(ranges) > RANGES_MAX:
        raise Invalid(
            f"topic: the span lies in {len(ranges)} partitions, more than {RANGES_MAX}: name one"
        )
    return ranges


def _gone(places: Iterable[Partition], ends: Ends, what: str) -> Conflict:
    listed = sorted(places)
    shown = [
        f"{place.topic}/{place.partition} offsets {ends[place][0]} to {ends[place][1]}"
        for place in listed[:_SHOWN_MAX]
    ]
    more = f" and {len(listed) - _SHOWN_MAX} more" if len(listed) > _SHOWN_MAX else ""
    return Conflict(f"{what}; still there: {', '.join(shown)}{more} (`partial` takes these)")
