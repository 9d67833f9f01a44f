"""Which dead letters of a partition a redrive means: judged by each delivery's last record.

Only ids and offsets are remembered. Where they are too many, the ids are cut into slices, and the
partition is scanned once for each.
"""

from __future__ import annotations

import hashlib

from hooklane.adapters.codec import codec
from hooklane.adapters.ports import Record
from hooklane.domain.delivery import from_ms
from hooklane.domain.errors import BrokenContract
from hooklane.replayer.command import Command


def in_slice(key: bytes, *, slice_: int, slices: int) -> bool:
    """Tell whether an id belongs to a slice; every id is in exactly one."""
    if slices == 1:
        return True
    # Not the partitioner's hash: within one partition that one is no longer even.
    digest = hashlib.blake2b(key, digest_size=4).digest()
    return int.from_bytes(digest, "big") % slices == slice_


def is_meant(record: Record, command: Command) -> bool:
    """Tell whether a dead letter fits the command."""
    if command.delivery_ids and record.key() not in command.delivery_ids:
        return False
    if command.since is not None and from_ms(record.timestamp()[1]) < command.since:
        return False
    if command.reason and dict(record.headers() or ()).get("reason") != command.reason.encode():
        return False
    try:
        delivery = codec("delivery").decode(record.value())
    except BrokenContract:
        return False
    return bool(delivery["endpoint_id"] == command.endpoint_id)


class Scan:
    """One pass over a partition for one slice of ids."""

    def __init__(self, command: Command, *, slice_: int, slices: int) -> None:
        """Begin with nothing found."""
        self._command, self._slice, self._slices = command, slice_, slices
        self._last: dict[bytes, int] = {}

    def take(self, record: Record) -> None:
        """Take the next record in; what came before of its id no longer counts."""
        key = record.key()
        if key is None or not in_slice(key, slice_=self._slice, slices=self._slices):
            return
        self._last.pop(key, None)
        if record.value() is not None and is_meant(record, self._command):
            self._last[key] = record.offset()

    def __len__(self) -> int:
        return len(self._last)

    def offsets(self) -> list[int]:
        """Give the offsets of the dead letters that are meant, ascending."""
        return sorted(self._last.values())
