"""How far the failing deliveries of an ordered lane have come, as a field of its commit.

They stay unfinished where they lie, so what headers say elsewhere (`Progress`) has to ride in the
commit's metadata, beside the finished offsets: a few bytes each, for at most `KEYS_MAX` of them.
Both ends are pure; whatever the text is, it is read or refused, never guessed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hooklane.domain.delivery import Progress, from_ms, to_ms
from hooklane.domain.errors import BrokenContract

PARKED = "p"
# Keys of one lane that are begun, and so may fail, at once. At most 19 bytes each (offset 3,
# attempts 2, step 1, outcome 1, two times of 6) they are 812 characters: with a full bitmap of
# SPAN_MAX offsets (3,000) and the checkpoint that fits the commit.
KEYS_MAX = 32
_OUTCOMES = ("", "rejected", "unreachable", "timed_out", "blocked", "failed")
_SPARED_MAX = 15
_VARINT_BITS_MAX = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """What a parked delivery's headers would say, had it any of its own."""

    attempts_made: int
    schedule_step: int
    spared: int
    last_outcome: str
    not_before: datetime
    first_attempt_at: datetime

    def onto(self, progress: Progress) -> Progress:
        """Bring the progress that a record entered its lane with up to now."""
        return replace(
            progress,
            attempts_made=self.attempts_made,
            schedule_step=self.schedule_step,
            spared=self.spared,
            last_outcome=self.last_outcome,
            not_before=self.not_before,
            first_attempt_at=self.first_attempt_at,
            hops=0,
        )


def parked(progress: Progress) -> Parked:
    """Take what changes of a progress that waits after an attempt."""
    assert progress.not_before is not None
    assert progress.first_attempt_at is not None
    return Parked(
        attempts_made=progress.attempts_made,
        schedule_step=progress.schedule_step,
        spared=progress.spared,
        last_outcome=progress.last_outcome,
        not_before=progress.not_before,
        first_attempt_at=progress.first_attempt_at,
    )


def encode_parked(entries: Mapping[int, Parked], *, prefix: int) -> str:
    """Write the parked deliveries of a lane by their offsets, none of them below the prefix."""
    written, before = bytearray(), prefix
    for offset in sorted(entries):
        one = entries[offset]
        # An outcome of later versions is forgotten, as it is only for people.
        known = _OUTCOMES.index(one.last_outcome) if one.last_outcome in _OUTCOMES else 0
        for number in (
            offset - before,
            one.attempts_made,
            one.schedule_step,
            known | min(one.spared, _SPARED_MAX) << 3,
            to_ms(one.not_before),
            to_ms(one.first_attempt_at),
        ):
            _append(written, number)
        before = offset
    return base64.b64encode(written).decode()


def decode_parked(text: str | None, *, prefix: int) -> dict[int, Parked]:
    """Read what `encode_parked` wrote; nothing was parked where it is empty.

    Raises:
        BrokenContract: it is of another shape; guessing would attempt something early.
    """
    if not text:
        return {}
    try:
        numbers = _numbers(base64.b64decode(text, validate=True))
        entries, offset = {}, prefix
        for distance in numbers:
            offset += distance
            entries[offset] = _entry(numbers)
    except (binascii.Error, ValueError, StopIteration, IndexError):
        raise BrokenContract(f"parked deliveries {text[:40]!r} can't be read") from None
    return entries


def _entry(numbers: Iterator[int]) -> Parked:
    attempts_made, step, packed = next(numbers), next(numbers), next(numbers)
    return Parked(
        attempts_made=attempts_made,
        schedule_step=step,
        spared=packed >> 3,
        last_outcome=_OUTCOMES[packed & 7],
        not_before=from_ms(next(numbers)),
        first_attempt_at=from_ms(next(numbers)),
    )


def _append(written: bytearray, number: int) -> None:
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)


def _numbers(raw: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift >= _VARINT_BITS_MAX:
                raise ValueError("a number is too long")
        else:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a number is cut off")
