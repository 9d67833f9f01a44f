"""The outbox: records that SQL owes to topics, written with the change they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.codec import codec
from hooklane.adapters.records import endpoint_value
from hooklane.adapters.sql import offsets
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.revisions import place_revision
from hooklane.adapters.sql.rows import outbox_row_of, time_of
from hooklane.adapters.sql.tables import endpoints, outbox
from hooklane.adapters.store import Command, OutboxRow
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.topics import Partition

RELAY = "relay"
# Where a holder's number lies among the relay's offsets: whoever comes next takes the next one.
HOLDER = Partition("holder", 0)
# The last one that let go of its own accord.
LEFT = Partition("holder", 1)
# Published rows are kept a while for people who look; nothing reads them.
KEPT_MS = 7 * 86_400_000


def owe_endpoint(connection: Connection, endpoint: Endpoint, *, topic: str, at: datetime) -> None:
    """Write the outbox row of a revision."""
    placement = endpoint.placement
    connection.execute(
        sa.insert(outbox).values(
            topic=topic,
            record_key=endpoint.endpoint_id.encode(),
            record_value=codec("endpoint").encode(endpoint_value(endpoint)),
            lane=None if placement is None else placement.topic,
            endpoint_id=endpoint.endpoint_id,
            revision=endpoint.revision,
            created_at=to_ms(at),
        )
    )


def owe_tombstone(connection: Connection, endpoint: Endpoint, *, topic: str, at: datetime) -> None:
    """Write the outbox row that takes an endpoint out of the table."""
    connection.execute(
        sa.insert(outbox).values(
            topic=topic,
            record_key=endpoint.endpoint_id.encode(),
            record_value=None,
            lane=None,
            endpoint_id=endpoint.endpoint_id,
            revision=endpoint.revision,
            created_at=to_ms(at),
        )
    )


def owe_command(connection: Connection, command: Command, *, at: datetime) -> None:
    """Write the outbox row of a command."""
    connection.execute(
        sa.insert(outbox).values(
            topic=command.topic,
            record_key=command.key,
            record_value=command.value,
            lane=None,
            endpoint_id=command.endpoint_id,
            revision=0,
            created_at=to_ms(at),
        )
    )


class SqlOutbox:
    """The relay's side of it."""

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        self._engine = engine

    def unpublished(self, limit: int) -> list[OutboxRow]:
        """Give rows not yet on their topic, in id order."""
        chosen = (
            sa.select(outbox)
            .where(outbox.c.published_at.is_(None))
            .order_by(outbox.c.outbox_id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [outbox_row_of(row) for row in connection.execute(chosen).mappings()]

    def take_hold(self) -> int:
        """Give the next holder's number; an earlier one no longer moves the relay's offsets."""
        with writing(self._engine) as connection:
            taken = offsets.read(connection, RELAY).get(HOLDER, 0) + 1
            offsets.put(connection, {HOLDER: taken}, reader=RELAY)
        return taken

    def let_go(self, holder: int) -> None:
        """Note that this holder ended well: who was fenced may take over at once."""
        with writing(self._engine) as connection:
            if offsets.read(connection, RELAY).get(HOLDER) == holder:
                offsets.put(connection, {LEFT: holder}, reader=RELAY)

    def is_free(self) -> bool:
        """Tell whether the newest holder let go."""
        with reading(self._engine) as connection:
            found = offsets.read(connection, RELAY)
        return found.get(HOLDER) == found.get(LEFT)

    def mark_published(
        self,
        positions: Mapping[int, int],
        tails: Mapping[Partition, int],
        *,
        holder: int,
        at: datetime,
    ) -> None:
        """Note the position past each row's record, and how far the topics were read for it."""
        now = to_ms(at)
        with writing(self._engine) as connection:
            chosen = outbox.c.outbox_id.in_(positions)
            rows = connection.execute(
                sa.select(outbox.c.outbox_id, outbox.c.endpoint_id, outbox.c.revision)
                .where(chosen, outbox.c.revision > 0)
                .order_by(outbox.c.outbox_id)
            ).all()
            connection.execute(sa.update(outbox).where(chosen).values(published_at=now))
            for outbox_id, endpoint_id, revision in rows:
                place_revision(
                    connection, endpoint_id, revision=revision, position=positions[outbox_id]
                )
                connection.execute(
                    sa.update(endpoints)
                    .where(
                        endpoints.c.endpoint_id == endpoint_id,
                        endpoints.c.announced_revision <= revision,
                    )
                    .values(announced_revision=revision, announced_offset=positions[outbox_id])
                )
            if offsets.read(connection, RELAY).get(HOLDER) == holder:
                offsets.put(connection, tails, reader=RELAY)

    def forget_published(self, *, at: datetime) -> None:
        """Drop rows published a week ago."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(outbox).where(outbox.c.published_at < to_ms(at) - KEPT_MS))

    def offsets(self, reader: str) -> dict[Partition, int]:
        """Give how far a reader has come."""
        with reading(self._engine) as connection:
            found = offsets.read(connection, reader)
        return {part: offset for part, offset in found.items() if part not in (HOLDER, LEFT)}

    def oldest_unpublished(self) -> datetime | None:
        """Give when the oldest row not yet on its topic was written."""
        chosen = sa.select(sa.func.min(outbox.c.created_at)).where(outbox.c.published_at.is_(None))
        with reading(self._engine) as connection:
            return time_of(connection.execute(chosen).scalar_one())

    def unpublished_count(self) -> int:
        """Count rows not yet on their topic."""
        chosen = (
            sa.select(sa.func.count()).select_from(outbox).where(outbox.c.published_at.is_(None))
        )
        with reading(self._engine) as connection:
            return int(connection.execute(chosen).scalar_one())
