"""How far the commands of one partition are done: kept in the metadata of the replayer's commit.

The commit stays at the first command that is not finished; every transaction of a command moves its
cursor. What ended a short while ago is kept beside the cursors, so that control can tell how it
went. Numbers are in base 36, so that hundreds of noted log ends fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum

from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import METADATA_BYTES_MAX, Committed, decode_metadata

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# 200 ends of up to 8 digits and a comma are 1,800 bytes of the 4,000 there are.
PARTITIONS_MAX = 200
# What the finished offsets above the prefix may take: 6,000 of them are 1,000 bytes in base64.
SPAN_MAX = 6_000
_SPAN_BYTES_MAX = 1_200
OUTCOMES_MAX = 16
# All cursors of a partition together; what is left is for outcomes.
CURSOR_BYTES_MAX = 2_300
_NUMBERS_BYTES_MAX = 90
_END_BYTES_MAX = 9
_CURSORS, _OUTCOMES = "k", "o"
_ID = re.compile(r"[A-Za-z0-9_]{1,64}\Z")
_NUMBER = re.compile(r"[0-9a-z]{1,13}\Z")
_REASON = re.compile(r"[a-z_]{0,32}\Z")


class Ending(Enum):
    """How a command ended: all of it done, at somebody's wish, or by the endpoint's state."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a command is.

    Args:
        command_id: the command it belongs to.
        command_offset: where that lies.
        ends: a redrive's noted ends of the dead-letter partitions.
        partition: the partition or the range under way; those before it are done.
        slices: into how many slices of ids it is cut, so that a scan's memory is bounded.
        slice: the one under way.
        done: within it, offsets below this are done; for a resubmit, positions done.
        count: how many were written to lanes in all.
        seen: how many events a replay has read.
        refused: how many of them could not be read as events.
        begun_ms: when it was begun, unix milliseconds.
    """

    command_id: str
    command_offset: int
    partition: int = 0
    slices: int = 1
    slice: int = 0
    done: int = 0
    count: int = 0
    seen: int = 0
    refused: int = 0
    begun_ms: int = 0
    ends: tuple[int, ...] = ()

    @property
    def bytes_max(self) -> int:
        """How long its text may become until the command is done."""
        return len(self.command_id) + _NUMBERS_BYTES_MAX + _END_BYTES_MAX * len(self.ends)

    def text(self) -> str:
        """Write it."""
        numbers = ",".join(_to_base36(getattr(self, name)) for name in _NUMBERS)
        return f"{self.command_id},{numbers}:{','.join(map(_to_base36, self.ends))}"


_NUMBERS = tuple(f.name for f in fields(Cursor) if f.name not in {"command_id", "ends"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended, and where its cursor was then; `reason` is the endpoint's state."""

    cursor: Cursor
    ending: Ending
    finished_ms: int
    reason: str = ""

    def text(self) -> str:
        """Write it."""
        shown = f"{self.ending.value},{_to_base36(self.finished_ms)},{self.reason}"
        return f"{self.cursor.text()}:{shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a commit tells: the commands under way, and what ended lately, oldest first."""

    cursors: tuple[Cursor, ...] = field(default=())
    outcomes: tuple[Outcome, ...] = field(default=())


def is_command_id(text: str) -> bool:
    """Tell whether a command id can be kept in metadata."""
    return _ID.match(text) is not None


def metadata_fields(cursors: Iterable[Cursor], outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Give the metadata fields of these; the oldest outcomes are left out where they don't fit."""
    written = "|".join(cursor.text() for cursor in cursors)
    room = METADATA_BYTES_MAX - _SPAN_BYTES_MAX - len(written)
    kept: list[str] = []
    for outcome in reversed(outcomes[-OUTCOMES_MAX:]):
        text = outcome.text()
        room -= len(text) + 1
        if room < 0:
            break
        kept.insert(0, text)
    found = {_CURSORS: written, _OUTCOMES: "|".join(kept)}
    return {name: text for name, text in found.items() if text}


def told_in(committed: Committed) -> Told:
    """Read what a commit tells.

    Raises:
        BrokenContract: the metadata can't be read.
    """
    found = decode_metadata(committed.metadata)
    cursors, outcomes = found.get(_CURSORS, ""), found.get(_OUTCOMES, "")
    try:
        return Told(
            cursors=tuple(_cursor(text) for text in cursors.split("|") if text),
            outcomes=tuple(_outcome(text) for text in outcomes.split("|") if text),
        )
    except ValueError as error:
        raise BrokenContract(f"cursor {committed.metadata[:60]!r}: {error!r}") from None


def _cursor(text: str) -> Cursor:
    own, ends = text.split(":")
    command_id, *numbers = own.split(",")
    if not is_command_id(command_id):
        raise ValueError(command_id)
    return Cursor(
        command_id=command_id,
        ends=tuple(_from_base36(end) for end in ends.split(",") if end),
        **dict(zip(_NUMBERS, map(_from_base36, numbers), strict=True)),
    )


def _outcome(text: str) -> Outcome:
    cursor, _, shown = text.rpartition(":")
    ending, finished, reason = shown.split(",")
    if _REASON.match(reason) is None:
        raise ValueError(reason)
    return Outcome(
        cursor=_cursor(cursor),
        ending=Ending(ending),
        finished_ms=_from_base36(finished),
        reason=reason,
    )


def _from_base36(text: str) -> int:
    if _NUMBER.match(text) is None:
        raise ValueError(text)
    return int(text, 36)


def _to_base36(number: int) -> str:
    text = ""
    while number >= 36:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return _DIGITS[number] + text
