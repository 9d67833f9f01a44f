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
_OF_EVENT = (
    "event_id", "tenant", "type", "version", "event_time", "table_offset", "trigger", "command_id",
    "part", "payload",
)  # fmt: skip
_NUL, _NUL_SHOWN = "\0", "\N{SYMBOL FOR NULL}"

OnBroken = Callable[[Record, BrokenContract], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of the records becomes rows.

    `payloads_since` (unix ms): of what is older no payload and no response body is kept.
    """

    unmatched: bool = False
    search: bool = True
    payloads_since: int = 0


@dataclass(slots=True, kw_only=True)
class Batch:
    """The rows of some records."""

    attempts: list[Row] = field(default_factory=list)
    receipts: list[Row] = field(default_factory=list)
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


def batch_of(
    records: Iterable[Record],
    topics: Topics,
    *,
    choice: Choice = Choice(),
    on_broken: OnBroken,
) -> Batch:
    """Build the rows of records; one that can't be read is told and passed."""
    batch = Batch()
    since = choice.payloads_since
    attempts, receipts, decode = topics.attempts, topics.matches, codec("attempt").decode
    for record in records:
        try:
            topic = record.topic()
            if topic == attempts:
                row = attempt_row(decode(record.value()))
                if row["started_at"] < since:
                    row["response_body"] = b""
                batch.attempts.append(row)
            elif topic == receipts:
                _add_receipt(batch, record, choice)
            else:
                assert topic == topics.dead_letters, topic
                _add_dead_letter(batch, record, since=since)
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


def receipt_row(record: Record, *, search: bool = True) -> Row:
    """Build a receipt's row.

    Raises:
        BrokenContract: its value can't be read.
    """
    value = codec("match").decode(record.value())
    source, payload, matched = value["source"], value["payload"], value["matched"]
    row: Row = {name: value[name] for name in _OF_EVENT}
    row |= {
        "receipt_id": "{event_id}:{trigger}:{command_id}:{part}".format_map(value),
        "record_key": value["key"],
        "source_topic": source["topic"],
        "source_partition": source["partition"],
        "source_offset": source["offset"],
        "matched": orjson.dumps(matched).decode(),
        "refused": orjson.dumps(value["refused"]).decode(),
        "matched_count": len(matched),
        "payload_text": _text_of(payload) if search and payload else None,
        "received_at": record.timestamp()[1],
    }
    return _clean(row, "tenant", "type", "source_topic")


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


def _add_receipt(batch: Batch, record: Record, choice: Choice) -> None:
    row = receipt_row(record, search=choice.search)
    # One that refused somebody concerns an endpoint: it answers why that one did not get it.
    if not (row["matched_count"] or row["refused"] != "[]" or choice.unmatched):
        return
    if row["received_at"] < choice.payloads_since:
        row["payload"] = row["payload_text"] = None
    batch.receipts.append(row)


def _add_dead_letter(batch: Batch, record: Record, *, since: int) -> None:
    key = record.key()
    if record.value() is not None:
        row = dead_letter_row(record)
        if row["died_at"] < since:
            row["payload"] = b""
        batch.add_dead(row)
    elif key is not None:
        delivery_id = key.decode(errors="replace").replace(_NUL, _NUL_SHOWN)
        batch.add_tombstone(delivery_id, at_ms=record.timestamp()[1])


def _text_of(payload: bytes) -> str | None:
    try:
        return payload.decode().replace(_NUL, _NUL_SHOWN)
    except UnicodeDecodeError:
        return None


def _clean(row: Row, *names: str) -> Row:
    # PostgreSQL's text can hold anything but this one character.
    for name in names:
        text: Any = row[name]
        if _NUL in text:
            row[name] = text.replace(_NUL, _NUL_SHOWN)
    return row
