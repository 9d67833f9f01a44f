"""Which offsets of a partition are finished, when they finish out of order.

What can be committed is the finished prefix. What finished above it rides in the commit's
metadata, so that a crash or a rebalance does not do it again. The span between prefix and
position is bounded by the caller so that the metadata always fits the broker's 4,096 bytes.

Offsets between received ones (transaction markers, trimmed or compacted records) belong to
nobody and count as finished.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hooklane.domain.errors import BrokenContract

METADATA_BYTES_MAX = 4_000
# 18,000 offsets are a bitmap of 2,250 bytes, 3,000 in base64: fits, with room for other fields (an
# ordered lane's parked deliveries may take 815).
SPAN_MAX = 18_000
FINISHED = "f"
_VERSION = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A committed position and its metadata."""

    offset: int
    metadata: str = ""


def encode_metadata(fields: Mapping[str, str]) -> str:
    """Write commit metadata: `v1;key=value;…`."""
    text = ";".join((_VERSION, *(f"{key}={value}" for key, value in fields.items())))
    assert len(text) <= METADATA_BYTES_MAX, f"commit metadata of {len(text)} bytes"
    return text


def decode_metadata(text: str | None) -> dict[str, str]:
    """Read commit metadata; nothing was written where it is empty.

    Raises:
        BrokenContract: it is of another version or shape; guessing would lose or double records.
    """
    if not text:
        return {}
    version, *fields = text.split(";")
    if version != _VERSION or not all("=" in field for field in fields):
        raise BrokenContract(f"commit metadata {text[:60]!r} is not of version {_VERSION}")
    return dict(field.split("=", 1) for field in fields)


class OffsetTracker:
    """The open and finished offsets of one partition within one assignment.

    Args:
        start: the first offset to be received, the committed prefix.
        finished: offsets above it that an earlier owner finished (`finished_in`).
    """

    def __init__(self, start: int, finished: Iterable[int] = ()) -> None:
        """Begin at a commit."""
        self.position = start
        self._received: deque[int] = deque()
        self._open: set[int] = set()
        # Ascending; those below the position are dropped: gaps count as finished too, and are
        # never received.
        self._restored = deque(sorted(finished))

    def receive(self, offset: int) -> bool:
        """Take an offset in; tell whether it is still to be done.

        An offset below the position was received before (a seek back): its answer then is
        whether it is still open, and it is not counted twice.
        """
        if offset < self.position:
            return offset in self._open
        self.position = offset + 1
        self._drop_restored(offset)
        if self._restored and self._restored[0] == offset:
            self._restored.popleft()
            return False
        self._received.append(offset)
        self._open.add(offset)
        return True

    def advance(self, position: int) -> None:
        """Move the position past offsets that hold no record, such as transaction markers."""
        if position > self.position:
            self.position = position
            self._drop_restored(position)

    def finish(self, offset: int) -> None:
        """Count an open offset as finished."""
        self._open.remove(offset)

    def is_open(self, offset: int) -> bool:
        """Tell whether the offset was received and is not finished."""
        return offset in self._open

    @property
    def prefix(self) -> int:
        """The offset below which everything is finished: what may be committed."""
        received, still_open = self._received, self._open
        while received and received[0] not in still_open:
            received.popleft()
        return received[0] if received else self.position

    @property
    def span(self) -> int:
        """How many offsets lie between the prefix and the position.

        Restored ones above the position count only once they are reached: an heir that counted
        them would be at its cap before it read the one that is open, and never read it. They
        fitted their own commit, and the prefix has only grown since.
        """
        return self.position - self.prefix

    @property
    def known_to(self) -> int:
        """The offset below which each one's fate is known here: received, or told by the commit."""
        return max(self.position, self._restored[-1] + 1) if self._restored else self.position

    @property
    def open_count(self) -> int:
        """How many received offsets are not finished."""
        return len(self._open)

    def finished_share(self) -> float:
        """Tell which share of the span is finished, 0 to 1."""
        span = self.span
        return 1.0 if span == 0 else 1 - len(self._open) / span

    def commit(self, fields: Mapping[str, str] | None = None) -> Committed:
        """Give what to commit now, with other metadata fields beside the finished offsets."""
        prefix = self.prefix
        written = dict(fields or {})
        if self._open and (finished := self._finished_bitmap(prefix)):
            written[FINISHED] = finished
        elif self._restored:
            written[FINISHED] = _to_text(_bitmap(prefix, self._restored))
        return Committed(offset=prefix, metadata=encode_metadata(written))

    def _drop_restored(self, below: int) -> None:
        restored = self._restored
        while restored and restored[0] < below:
            restored.popleft()

    def _finished_bitmap(self, prefix: int) -> str:
        bits = bytearray(b"\xff" * ((self.position - prefix + 7) // 8))
        for offset in self._open:
            index = offset - prefix
            bits[index >> 3] &= ~(1 << (index & 7))
        # The last byte's bits past the position belong to nobody yet.
        surplus = -(self.position - prefix) % 8
        bits[-1] &= 0xFF >> surplus
        if self._restored:
            restored = _bitmap(prefix, self._restored)
            bits.extend(bytes(max(0, len(restored) - len(bits))))
            for index, byte in enumerate(restored):
                bits[index] |= byte
        return _to_text(bits)


def finished_in(committed: Committed) -> Iterator[int]:
    """Give the offsets above a commit's prefix that its metadata says are finished.

    Raises:
        BrokenContract: the metadata can't be read.
    """
    text = decode_metadata(committed.metadata).get(FINISHED)
    if not text:
        return
    try:
        bits = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BrokenContract(f"finished offsets {text[:40]!r} are not base64") from None
    for index, byte in enumerate(bits):
        if byte:
            for bit in range(8):
                if byte >> bit & 1:
                    yield committed.offset + index * 8 + bit


def _bitmap(prefix: int, offsets: Iterable[int]) -> bytearray:
    bits = bytearray((max(offsets) - prefix) // 8 + 1)
    for offset in offsets:
        index = offset - prefix
        bits[index >> 3] |= 1 << (index & 7)
    return bits


def _to_text(bits: bytearray) -> str:
    return base64.b64encode(bits.rstrip(b"\0")).decode()
