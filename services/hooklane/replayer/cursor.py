"""How far a command is done: kept in the commit's metadata beside the command's own offset.

The commit stays at the command until it is finished; every transaction of it moves the cursor. The
log ends noted at its beginning are part of it, in base 36 so that hundreds of partitions fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed, decode_metadata, encode_metadata

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# 400 ends of up to 8 digits and a comma are 3,600 bytes of the 4,000 there are.
PARTITIONS_MAX = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a command is.

    Args:
        command_offset: the command it belongs to.
        ends: a redrive's noted ends of the dead-letter partitions.
        partition: the one under way; those before it are done.
        slices: into how many slices of ids it is cut, so that a scan's memory is bounded.
        slice: the one under way.
        done: within it, offsets below this are done; for a resubmit, positions done.
        count: how many were redriven in all.
    """

    command_offset: int
    ends: tuple[int, ...] = ()
    partition: int = 0
    slices: int = 1
    slice: int = 0
    done: int = 0
    count: int = 0

    def committed(self) -> Committed:
        """Give what to commit."""
        place = (self.partition, self.slices, self.slice, self.done, self.count)
        fields = {
            "c": str(self.command_offset),
            "p": ",".join(map(str, place)),
            "e": ",".join(map(_to_base36, self.ends)),
        }
        return Committed(offset=self.command_offset, metadata=encode_metadata(fields))


def cursor_of(committed: Committed) -> Cursor | None:
    """Read a commit's cursor; None where no command was under way.

    Raises:
        BrokenContract: the metadata can't be read.
    """
    fields: Mapping[str, str] = decode_metadata(committed.metadata)
    if "c" not in fields:
        return None
    try:
        partition, slices, slice_, done, count = map(int, fields["p"].split(","))
        return Cursor(
            command_offset=int(fields["c"]),
            ends=tuple(int(text, 36) for text in fields["e"].split(",") if text),
            partition=partition,
            slices=slices,
            slice=slice_,
            done=done,
            count=count,
        )
    except (KeyError, ValueError) as error:
        raise BrokenContract(f"cursor {committed.metadata[:60]!r}: {error!r}") from None


def _to_base36(number: int) -> str:
    text = ""
    while number >= 36:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return _DIGITS[number] + text
