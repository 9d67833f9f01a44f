"""What the replayer is asked: a command as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hooklane.adapters.codec import codec
from hooklane.adapters.ports import Record
from hooklane.domain.delivery import from_ms

REDRIVE = "redrive"
RESUBMIT = "resubmit"


class RejectedAt(NamedTuple):
    """Where a rejected event lies in rejected-events."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command; the fields a kind does not use are empty."""

    offset: int
    command_id: str
    kind: str
    endpoint_id: str
    reason: str = ""
    since: datetime | None = None
    count_max: int = 0
    delivery_ids: frozenset[bytes] = frozenset()
    positions: tuple[RejectedAt, ...] = ()


def command_of(record: Record) -> Command:
    """Read a command.

    Raises:
        BrokenContract: the record is none.
    """
    value = codec("command").decode(record.value())
    since = value["since"]
    return Command(
        offset=record.offset(),
        command_id=value["command_id"],
        kind=value["kind"],
        endpoint_id=value["endpoint_id"],
        reason=value["reason"],
        since=None if since is None else from_ms(since),
        count_max=value["count_max"],
        delivery_ids=frozenset(text.encode() for text in value["delivery_ids"]),
        positions=tuple(RejectedAt(p["partition"], p["offset"]) for p in value["positions"]),
    )
