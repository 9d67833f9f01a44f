"""Readers' offsets, moved by compare-and-set inside the transaction of the rows they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from hooklane.adapters.sql.tables import offsets
from hooklane.adapters.store import LostRace, OffsetMove
from hooklane.domain.topics import Partition


def read(connection: Connection, reader: str) -> dict[Partition, int]:
    """Give how far a reader has come."""
    found = connection.execute(
        sa.select(offsets.c.topic, offsets.c.partition, offsets.c.next_offset).where(
            offsets.c.reader == reader
        )
    )
    return {Partition(topic, partition): offset for topic, partition, offset in found}


def move(connection: Connection, moves: Iterable[OffsetMove], *, reader: str) -> None:
    """Move offsets from where they are expected, or none at all.

    Raises:
        LostRace: one was elsewhere; the caller's transaction rolls back.
    """
    # In one order for everybody, so that two who race cannot wait for each other.
    for step in sorted(moves, key=lambda step: step.partition):
        if step.expected is None:
            _begin(connection, reader, step)
            continue
        moved = connection.execute(
            sa.update(offsets)
            .where(*_at(reader, step.partition), offsets.c.next_offset == step.expected)
            .values(next_offset=step.offset)
        )
        if moved.rowcount != 1:
            raise LostRace(f"{reader} is not at {step.expected} of {step.partition}")


def put(connection: Connection, ends: Mapping[Partition, int], *, reader: str) -> None:
    """Set offsets whatever they were."""
    for partition, offset in sorted(ends.items()):
        changed = connection.execute(
            sa.update(offsets).where(*_at(reader, partition)).values(next_offset=offset)
        )
        if changed.rowcount == 0:
            _begin(
                connection, reader, OffsetMove(partition=partition, expected=None, offset=offset)
            )


def _begin(connection: Connection, reader: str, step: OffsetMove) -> None:
    topic, partition = step.partition
    try:
        connection.execute(
            sa.insert(offsets).values(
                reader=reader, topic=topic, partition=partition, next_offset=step.offset
            )
        )
    except IntegrityError:
        raise LostRace(f"{reader} has begun {topic} {partition} already") from None


def _at(reader: str, partition: Partition) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        offsets.c.reader == reader,
        offsets.c.topic == partition.topic,
        offsets.c.partition == partition.partition,
    )
