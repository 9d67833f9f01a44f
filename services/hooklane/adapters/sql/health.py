"""`adapters.health_store.HealthStore` over SQL: one row an endpoint, of bounded size."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection

from hooklane.adapters.health_store import Observe, Watched
from hooklane.adapters.sql import offsets
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.operational import SqlOperational, owe_events
from hooklane.adapters.sql.rows import time_of
from hooklane.adapters.sql.tables import endpoint_health, endpoints
from hooklane.adapters.store import OffsetMove
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.guard import Reach
from hooklane.domain.health import Health, HealthState

_DELETED = EndpointState.DELETED.value


class SqlHealth(SqlOperational):
    """Control's side of it."""

    def observe(
        self,
        endpoint_ids: Collection[str],
        judge: Observe,
        *,
        at: datetime,
        moves: Sequence[OffsetMove] = (),
        reader: str = "",
    ) -> None:
        """Judge these endpoints, keep what is known of them then, and owe what there is to tell.

        Raises:
            LostRace: an offset was not where it was expected; nothing was written.
        """
        with writing(self._engine) as connection:
            # First, so that of two readers of one partition the second waits here and then loses.
            offsets.move(connection, moves, reader=reader)
            found = judge(_watched(connection, endpoint_ids))
            _keep(connection, [_row_of(one.health, at) for one in found])
            owe_events(connection, (event for one in found for event in one.events))

    def health(self, endpoint_id: str) -> Health | None:
        """Give what is known of an endpoint, None before its first attempt."""
        query = sa.select(endpoint_health).where(endpoint_health.c.endpoint_id == endpoint_id)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else health_of(row)

    def silenced(self, *, before: datetime, limit: int) -> list[str]:
        """Give endpoints whose minute of untold dead deliveries began at or before then."""
        columns = endpoint_health.c
        query = (
            sa.select(columns.endpoint_id)
            .where(columns.dead_untold > 0, columns.dead_window_at <= to_ms(before))
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def reach(self, *, since: datetime) -> Reach:
        """Count the endpoints attempted since then, and those of them that succeeded."""
        columns, since_ms = endpoint_health.c, to_ms(since)
        succeeded = columns.last_success_at >= since_ms
        query = sa.select(
            sa.func.count(), sa.func.count(sa.case((succeeded, columns.endpoint_id)))
        ).where(sa.or_(succeeded, columns.last_failure_at >= since_ms))
        with reading(self._engine) as connection:
            attempted, successes = connection.execute(query).one()
        return Reach(attempted=attempted, succeeded=successes)

    def failing_count(self) -> int:
        """Count endpoints that are failing."""
        query = (
            sa.select(sa.func.count())
            .select_from(endpoint_health)
            .where(endpoint_health.c.state == HealthState.FAILING.value)
        )
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())


def _watched(connection: Connection, endpoint_ids: Collection[str]) -> dict[str, Watched]:
    chosen = sorted(endpoint_ids)
    columns, rows = endpoints.c, endpoint_health.c
    there = connection.execute(
        sa.select(columns.endpoint_id, columns.tenant, columns.revision, columns.state).where(
            columns.endpoint_id.in_(chosen), columns.state != _DELETED
        )
    ).all()
    # In one order for everybody, so that two who wait for rows cannot wait for each other.
    kept = connection.execute(
        sa.select(endpoint_health)
        .where(rows.endpoint_id.in_(chosen))
        .order_by(rows.endpoint_id)
        .with_for_update()
    ).mappings()
    known = {row["endpoint_id"]: health_of(row) for row in kept}
    return {
        endpoint_id: Watched(
            revision=revision,
            state=EndpointState(state),
            health=known.get(endpoint_id) or Health(endpoint_id=endpoint_id, tenant=tenant),
        )
        for endpoint_id, tenant, revision, state in there
    }


def _keep(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    insert: Any = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    added = insert(endpoint_health)
    put = added.on_conflict_do_update(
        index_elements=[endpoint_health.c.endpoint_id],
        set_={
            column.name: added.excluded[column.name]
            for column in endpoint_health.c
            if column.name != "endpoint_id"
        },
    )
    connection.execute(put, rows)


def _row_of(health: Health, at: datetime) -> dict[str, Any]:
    return {
        "endpoint_id": health.endpoint_id,
        "tenant": health.tenant,
        "state": health.state.value,
        "failing_since": _ms(health.failing_since),
        "consecutive_failures": health.consecutive_failures,
        "last_success_at": _ms(health.last_success_at),
        "last_failure_at": _ms(health.last_failure_at),
        "last_outcome": health.last_outcome.value,
        "last_status": health.last_status,
        "told_since": _ms(health.told_since),
        "slots": json.dumps(dict(health.slots), separators=(",", ":")),
        "dead_window_at": _ms(health.dead_window_at),
        "dead_told": health.dead_told,
        "dead_untold": health.dead_untold,
        "updated_at": to_ms(at),
    }


def health_of(row: Mapping[Any, Any]) -> Health:
    """Build the health a row holds."""
    return Health(
        endpoint_id=row["endpoint_id"],
        tenant=row["tenant"],
        state=HealthState(row["state"]),
        failing_since=time_of(row["failing_since"]),
        consecutive_failures=row["consecutive_failures"],
        last_success_at=time_of(row["last_success_at"]),
        last_failure_at=time_of(row["last_failure_at"]),
        last_outcome=Outcome(row["last_outcome"]),
        last_status=row["last_status"],
        told_since=time_of(row["told_since"]),
        slots={int(slot): tuple(counts) for slot, counts in json.loads(row["slots"]).items()},
        dead_window_at=time_of(row["dead_window_at"]),
        dead_told=row["dead_told"],
        dead_untold=row["dead_untold"],
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
