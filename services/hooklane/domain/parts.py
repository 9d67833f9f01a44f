"""A fan-out in parts: how one that no transaction holds is cut, and where it goes on.

Endpoints are taken in the order of their ids, those that are refused among them, so that a part is
a range of ids and the last id done says all. Each part is matched by the endpoint table as it is
when the part is written. Who is in it all the while is in exactly one part; a change made between
two parts counts where its endpoint's turn has not come yet. Either is right: the event was there
before the change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import BrokenContract
from hooklane.domain.event import Event
from hooklane.domain.matching import Match, Refusal

# What an id takes in a receipt, and a refusal, with their lengths and some room.
MATCHED_BYTES, REFUSED_BYTES = 40, 80
# Kafka takes 1 MB; a receipt's other fields are small, but for key and payload.
RECEIPT_BYTES_MAX = 900_000
_LISTED_BYTES_MIN = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An event of which the first parts are done, as it rides in its partition's commit."""

    offset: int
    parts: int
    last_id: str

    @property
    def text(self) -> str:
        """What is written of it."""
        return f"{self.offset},{self.parts},{quote(self.last_id, safe='')}"


def begun_of(text: str | None) -> Begun | None:
    """Read what was written of an event that had begun; None where nothing was.

    Raises:
        BrokenContract: it is not of this shape; guessing would lose or double deliveries.
    """
    if not text:
        return None
    fields = text.split(",")
    if len(fields) != 3 or not all(field.isdecimal() for field in fields[:2]):
        raise BrokenContract(f"an event's parts {text[:60]!r} can't be read")
    return Begun(offset=int(fields[0]), parts=int(fields[1]), last_id=unquote(fields[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What one part may hold: records, its receipt among them, and bytes of their payloads."""

    records_max: int
    bytes_max: int

    def holds(self, event: Event, match: Match) -> bool:
        """Tell whether an event's fan-out is one part."""
        copies, size = len(match.matched) + 1, len(event.payload)
        return (
            copies <= self.records_max
            and (copies * size <= self.bytes_max or copies <= 2)
            and copies * MATCHED_BYTES + len(match.refused) * REFUSED_BYTES <= _listed_max(event)
        )

    def parts(self, event: Event, whole: Match, *, begun: Begun | None = None) -> Iterator[Match]:
        """Give an event's fan-out, or what is not begun of it, in as many parts as it takes."""
        if begun is None and self.holds(event, whole):
            yield whole
            return
        while True:
            part, begun = self.next_part(event, whole, begun=begun)
            yield part
            if begun is None:
                return

    def next_part(
        self, event: Event, whole: Match, *, begun: Begun | None
    ) -> tuple[Match, Begun | None]:
        """Give an event's next part, and where it goes on if that is not its last.

        Args:
            event: what happened.
            whole: everyone whom it concerns, by the table as it is now.
            begun: how far it is; None: nothing is done.
        """
        number, last_id = (0, "") if begun is None else (begun.parts, begun.last_id)
        matched_max = max(
            1, min(self.records_max, self.bytes_max // max(1, len(event.payload))) - 1
        )
        matched, refused, left = whole.matched, whole.refused, _listed_max(event)
        gets_from = gets = bisect_right(matched, last_id, key=_id_of)
        lacks_from = lacks = bisect_right(refused, last_id, key=_id_of)
        while gets < len(matched) or lacks < len(refused):
            takes = lacks == len(refused) or (
                gets < len(matched) and matched[gets].endpoint_id < refused[lacks].endpoint_id
            )
            left -= MATCHED_BYTES if takes else REFUSED_BYTES
            if left < 0 or (takes and gets - gets_from == matched_max):
                break
            if takes:
                last_id = matched[gets].endpoint_id
                gets += 1
            else:
                last_id = refused[lacks].endpoint_id
                lacks += 1
        part = Match(
            matched=matched[gets_from:gets], refused=refused[lacks_from:lacks], part=number
        )
        if gets == len(matched) and lacks == len(refused):
            return part, None
        return part, Begun(offset=event.source.offset, parts=number + 1, last_id=last_id)


def _listed_max(event: Event) -> int:
    left = RECEIPT_BYTES_MAX - len(event.payload) - len(event.key or b"")
    return max(_LISTED_BYTES_MIN, left)


def _id_of(concerned: Endpoint | Refusal) -> str:
    return concerned.endpoint_id
