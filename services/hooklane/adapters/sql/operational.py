"""Operational events as SQL owes them: first the event, then, with its schema's id, the record."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.health_store import OwedEvent, WrittenEvent
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.tables import endpoint_health, operational_events, outbox
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.health import HealthState
from hooklane.domain.operational import OperationalEvent, changes, starts_anew


def owe_events(connection: Connection, events: Iterable[OperationalEvent]) -> None:
    """Write what there is to tell, in the transaction of the change."""
    rows = [
        {
            "event_type": event.event_type,
            "id_in_source": event.id_in_source,
            "tenant": event.tenant,
            "endpoint_id": event.endpoint_id,
            "happened_at": to_ms(event.at),
            "content": json.dumps(event.values),
        }
        for event in events
    ]
    if rows:
        connection.execute(sa.insert(operational_events), rows)


def tell_change(
    connection: Connection, after: Endpoint, *, before: Endpoint | None, at: datetime
) -> None:
    """Owe the events of a new revision, and let its health begin anew where the change says so."""
    owe_events(connection, changes(before, after, at=at))
    if before is None:
        return
    of_endpoint = endpoint_health.c.endpoint_id == after.endpoint_id
    if after.state is EndpointState.DELETED:
        connection.execute(sa.delete(endpoint_health).where(of_endpoint))
    elif starts_anew(before, after):
        anew = {
            "state": HealthState.HEALTHY.value,
            "failing_since": None,
            "consecutive_failures": 0,
        }
        connection.execute(sa.update(endpoint_health).where(of_endpoint).values(**anew))


class SqlOperational:
    """Control's side of it."""

    _engine: Engine

    def owed_events(self, limit: int, *, event_types: Collection[str]) -> list[OwedEvent]:
        """Give the oldest operational events of these types that wait for their record."""
        columns = operational_events.c
        query = (
            sa.select(operational_events)
            .where(columns.event_type.in_(event_types))
            .order_by(columns.event_number)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_owed(row) for row in connection.execute(query).mappings()]

    def owed_events_count(self) -> int:
        """Count operational events that wait for their record."""
        query = sa.select(sa.func.count()).select_from(operational_events)
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def write_events(self, written: Sequence[WrittenEvent], *, topic: str, at: datetime) -> int:
        """Move events to the outbox; those that another process moved are passed. Give how many."""
        moved = 0
        with writing(self._engine) as connection:
            for one in written:
                number = operational_events.c.event_number == one.owed.number
                if connection.execute(sa.delete(operational_events).where(number)).rowcount:
                    connection.execute(sa.insert(outbox).values(**_outbox_row(one, topic, at)))
                    moved += 1
        return moved

    def forget_owed_events(self, *, before: datetime) -> int:
        """Drop events older than their topic would keep them; give how many."""
        old = operational_events.c.happened_at < to_ms(before)
        with writing(self._engine) as connection:
            return connection.execute(sa.delete(operational_events).where(old)).rowcount


def _outbox_row(written: WrittenEvent, topic: str, at: datetime) -> dict[str, Any]:
    event = written.owed.event
    return {
        "topic": topic,
        "record_key": event.tenant.encode(),
        "record_value": written.value,
        "record_headers": json.dumps([[name, value.decode()] for name, value in written.headers]),
        "lane": None,
        "endpoint_id": event.endpoint_id,
        "revision": 0,
        "created_at": to_ms(at),
    }


def _owed(row: Mapping[Any, Any]) -> OwedEvent:
    event = OperationalEvent(
        event_type=row["event_type"],
        id_in_source=row["id_in_source"],
        tenant=row["tenant"],
        endpoint_id=row["endpoint_id"],
        at=from_ms(row["happened_at"]),
        values=json.loads(row["content"]),
    )
    return OwedEvent(number=row["event_number"], event=event)
