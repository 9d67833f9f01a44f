"""What the replayer is asked: a command as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hooklane.adapters.codec import codec
from hooklane.adapters.ports import Record
from hooklane.domain.cursor import is_command_id
from hooklane.domain.delivery import from_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Partition

REDRIVE = "redrive"
RESUBMIT = "resubmit"
REPLAY = "replay"
RESEND = "resend"
CANCEL = "cancel"
_OURS = frozenset((REDRIVE, RESUBMIT, REPLAY, RESEND, CANCEL))


class RejectedAt(NamedTuple):
    """Where a rejected event lies in rejected-events."""

    partition: int
    offset: int


class Range(NamedTuple):
    """A part of a source partition: from `first` on, below `end`."""

    place: Partition
    first: int
    end: int


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
    ranges: tuple[Range, ...] = ()
    rate_per_s: int = 0
    event_id: str = ""
    target: str = ""


def is_ours(command: Command) -> bool:
    """Tell whether the replayer does commands of this kind."""
    return command.kind in _OURS


def command_of(record: Record) -> Command:
    """Read a command.

    Raises:
        BrokenContract: the record is none.
    """
    value = codec("command").decode(record.value())
    since = value["since"]
    if not is_command_id(value["command_id"]):
        raise BrokenContract(f"command id {value['command_id'][:80]!r}")
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
        ranges=tuple(
            Range(Partition(r["topic"], r["partition"]), r["first"], r["end"])
            for r in value["ranges"]
        ),
        rate_per_s=value["rate_per_s"],
        event_id=value["event_id"],
        target=value["target"],
    )
