"""A consumer group as its coordinator sees it: members, who owns what, what is committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition


@dataclass(slots=True, kw_only=True)
class Seat:
    """One member's place."""

    client_id: str
    topics: frozenset[str] = frozenset()
    owned: set[Partition] = field(default_factory=set)
    target: set[Partition] = field(default_factory=set)
    lapses_at: datetime | None = None


class Group:
    """Members take part by number, in the order in which they joined."""

    def __init__(self) -> None:
        """Begin empty."""
        self.seats: dict[int, Seat] = {}
        self.commits: dict[Partition, Committed] = {}
        self._joined = 0
        self._balanced_for: tuple[object, ...] = ()

    def join(self, client_id: str) -> int:
        """Take a member in; give its number."""
        self._joined += 1
        self.seats[self._joined] = Seat(client_id=client_id)
        return self._joined

    def leave(self, number: int) -> None:
        """Let a member go, with whatever it owned."""
        self.seats.pop(number, None)

    def expire(self, now: datetime) -> None:
        """Let go of members whose session is over."""
        gone = [n for n, s in self.seats.items() if s.lapses_at is not None and s.lapses_at <= now]
        for number in gone:
            self.leave(number)

    def is_stale(self, topology: int) -> bool:
        """Tell whether topics, members or subscriptions changed since this was last asked."""
        wishes = ((number, seat.topics) for number, seat in self.seats.items())
        now = (topology, *wishes)
        before, self._balanced_for = self._balanced_for, now
        return now != before

    def balance(self, topics: Mapping[str, int]) -> None:
        """Say anew who should own what; as little as possible moves."""
        for seat, target in zip(
            self.seats.values(), targets(tuple(self.seats.values()), topics), strict=True
        ):
            seat.target = target

    def free(self, partitions: Collection[Partition]) -> set[Partition]:
        """Give those of the partitions that nobody owns."""
        owned = {partition for seat in self.seats.values() for partition in seat.owned}
        return set(partitions) - owned


def targets(seats: Collection[Seat], topics: Mapping[str, int]) -> list[set[Partition]]:
    """Spread the partitions over the members that subscribed, keeping owners where that is even."""
    wanted: dict[Partition, list[int]] = defaultdict(list)
    for index, seat in enumerate(seats):
        for topic in seat.topics:
            for number in range(topics.get(topic, 0)):
                wanted[Partition(topic, number)].append(index)
    owners = {p: index for index, seat in enumerate(seats) for p in sorted(seat.owned)}
    found: list[set[Partition]] = [set() for _ in seats]
    taking = sum(1 for seat in seats if seat.topics)
    floor, extra = divmod(len(wanted), taking) if taking else (0, 0)
    left = []
    for partition in sorted(wanted):
        owner = owners.get(partition)
        if owner is None or owner not in wanted[partition]:
            left.append(partition)
        elif len(found[owner]) < floor:
            found[owner].add(partition)
        elif len(found[owner]) == floor and extra > 0:
            found[owner].add(partition)
            extra -= 1
        else:
            left.append(partition)
    for partition in left:
        least = min(wanted[partition], key=lambda index: (len(found[index]), index))
        found[least].add(partition)
    return found
