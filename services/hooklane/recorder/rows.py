"""From records to rows: pure, and the newest record of each delivery in a batch wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.ports import Record
from hooklane.adapters.store import Row
from hooklane.domain.delivery import progress_of, to_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Topics

_SAME = (
    "attempt_id", "delivery_id", "event_id", "endpoint_id", "tenant", "type", "version", "trigger",
    "number", "started_at", "outcome", "status", "error", "response_body", "verdict", "tier_s",
    "due_at", "reason",
)  # fmt: skip
_OF_DELIVERY = (
    "delivery_id", "endpoint_id", "event_id", "tenant", "type", "version", "trigger", "command_id",
    "event_time", "content_type", "payload",
)  # fmt: skip
_NUL, _NUL_SHOWN = "\0", "\N{SYMBOL FOR NULL}"

OnBroken = Callable[[Record, BrokenContract], None]


@dataclass(slots=True, kw_only=True)
class Batch:
    """The rows of some records."""

    attempts: list[Row] = field(default_factory=list)
    dead_letters: dict[str, Row] = field(default_factory=dict)
    redriven: dict[str, int] = field(default_factory=dict)

    def add_dead(self, row: Row) -> None:
        """Take in a dead letter."""
        self.dead_letters[row["delivery_id"]] = row
        self.redriven.pop(row["delivery_id"], None)

    def add_tombstone(self, delivery_id: str, *, at_ms: int) -> None:
        """Take in that a dead letter was redriven."""
        row = self.dead_letters.get(delivery_id)
        if row is None:
            self.redriven[delivery_id] = at_ms
        else:
            row["redriven_at"] = at_ms


def batch_of(records: Iterable[Record], topics: Topics, *, on_broken: OnBroken) -> Batch:
    """Build the rows of records; one that can't be read is told and passed."""
    batch = Batch()
    attempts, dead_letters = topics.attempts, topics.dead_letters
    decode = codec("attempt").decode
    for record in records:
        try:
            topic = record.topic()
            if topic == attempts:
                batch.attempts.append(attempt_row(decode(record.value())))
            else:
                assert topic == dead_letters, topic
                _add_dead_letter(batch, record)
        except BrokenContract as error:
            on_broken(record, error)
    return batch


def attempt_row(value: Value) -> Row:
    """Build an attempt's row."""
    row = {name: value[name] for name in _SAME}
    row.update(value["timings"])
    row["response_headers"] = orjson.dumps(
        [[header["name"], header["value"]] for header in value["response_headers"]]
    ).decode()
    return _clean(row, "error", "tenant", "type", "reason")


def dead_letter_row(record: Record) -> Row:
    """Build a dead letter's row.

    Raises:
        BrokenContract: value or headers can't be read.
    """
    value = codec("delivery").decode(record.value())
    progress = progress_of(record.headers())
    first = progress.first_attempt_at
    row: Row = {name: value[name] for name in _OF_DELIVERY}
    row |= {
        "reason": progress.reason,
        "attempts_made": progress.attempts_made,
        "last_outcome": progress.last_outcome,
        "first_attempt_at": None if first is None else to_ms(first),
        "waiting_since": to_ms(progress.waiting_since),
        "died_at": record.timestamp()[1],
        "redriven_at": None,
        "partition": record.partition(),
        "record_offset": record.offset(),
    }
    return _clean(row, "tenant", "type", "reason", "content_type")


def _add_dead_letter(batch: Batch, record: Record) -> None:
    key = record.key()
    if record.value() is not None:
        batch.add_dead(dead_letter_row(record))
    elif key is not None:
        delivery_id = key.decode(errors="replace").replace(_NUL, _NUL_SHOWN)
        batch.add_tombstone(delivery_id, at_ms=record.timestamp()[1])


def _clean(row: Row, *names: str) -> Row:
    # PostgreSQL's text can hold anything but this one character.
    for name in names:
        text: Any = row[name]
        if _NUL in text:
            row[name] = text.replace(_NUL, _NUL_SHOWN)
    return row
