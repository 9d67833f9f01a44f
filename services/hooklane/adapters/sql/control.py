"""`adapters.store.ControlStore` over SQL: tenants, endpoints and what is owed to topics.

Promises: a change and its outbox row are one transaction; revisions only grow; of two who change
one endpoint at once the second sees the first's revision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from hooklane.adapters.sql import offsets
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.health import SqlHealth
from hooklane.adapters.sql.history import SqlHistory
from hooklane.adapters.sql.keys import SqlKeys, require_tenant
from hooklane.adapters.sql.lanes import (
    SqlLanes,
    count_own_lanes,
    lanes_after,
    no_lane_free,
    own_lane,
)
from hooklane.adapters.sql.listing import READ_TIMEOUT
from hooklane.adapters.sql.operational import tell_change
from hooklane.adapters.sql.outbox import SqlOutbox, owe_command, owe_endpoint, owe_tombstone
from hooklane.adapters.sql.replays import SqlReplays
from hooklane.adapters.sql.revisions import SqlRevisions, keep_revision
from hooklane.adapters.sql.rows import columns_of, kept_of, note_columns, tenant_of
from hooklane.adapters.sql.tables import endpoints, tenants
from hooklane.adapters.sql.upgrade import check
from hooklane.adapters.store import (
    Command,
    Cursor,
    Decide,
    EndpointFilter,
    EndpointNote,
    KeptEndpoint,
    OffsetMove,
    PageRequest,
    Tenant,
)
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.errors import Conflict, NotFound
from hooklane.domain.topics import Topics

# Held while endpoints are counted and one is added, so that the cap holds.
_COUNTING = 7_209_316_212
_DELETED = EndpointState.DELETED.value


class SqlControlStore(
    SqlKeys, SqlOutbox, SqlHistory, SqlRevisions, SqlHealth, SqlReplays, SqlLanes
):
    """The control plane's database."""

    def __init__(
        self, engine: Engine, topics: Topics, *, read_timeout: timedelta = READ_TIMEOUT
    ) -> None:
        """Keep the engine; `topics` names where outbox rows go, the log's reads have a limit."""
        super().__init__(engine)
        self._topics = topics
        self._read_timeout = read_timeout

    def add_tenant(self, name: str, *, at: datetime, uid: str | None = None) -> Tenant:
        """Add a tenant; where its uid is taken, give the one that has it.

        Raises:
            Conflict: there is one of this name.
        """
        try:
            with writing(self._engine) as connection:
                if uid is not None:
                    connection.execute(_turn(connection))
                    found = sa.select(tenants).where(tenants.c.uid == uid)
                    if first := connection.execute(found).mappings().first():
                        return tenant_of(first)
                row = {"name": name, "created_at": to_ms(at), "uid": uid}
                connection.execute(sa.insert(tenants).values(**row))
        except IntegrityError:
            raise Conflict(f"name: there is a tenant {name!r} already") from None
        return tenant_of(row)

    def tenant(self, name: str) -> Tenant:
        """Give a tenant.

        Raises:
            NotFound: there is none.
        """
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(tenants).where(tenants.c.name == name)).mappings()
            found = row.first()
        if found is None:
            raise NotFound(f"no tenant {name!r}")
        return tenant_of(found)

    def tenants(self, page: PageRequest) -> list[Tenant]:
        """List tenants, oldest first."""
        query = sa.select(tenants).order_by(tenants.c.created_at, tenants.c.name).limit(page.limit)
        if page.after is not None:
            query = query.where(_above(tenants.c.created_at, tenants.c.name, page.after))
        with reading(self._engine) as connection:
            return [tenant_of(row) for row in connection.execute(query).mappings()]

    def add_endpoint(
        self,
        endpoint: Endpoint,
        *,
        at: datetime,
        lanes_max: int,
        note: EndpointNote | None = None,
        pooled: Endpoint | None = None,
    ) -> KeptEndpoint:
        """Add an endpoint's first revision, and its outbox row; where its uid is taken, give that.

        Raises:
            Invalid: its tenant does not exist.
            Conflict: no lane is free, and it needs one.
        """
        noted = note or EndpointNote()
        with writing(self._engine) as connection:
            connection.execute(_turn(connection))
            require_tenant(connection, endpoint.tenant)
            if noted.uid is not None and (first := _of_uid(connection, endpoint.tenant, noted.uid)):
                return first
            if count_own_lanes(connection) >= lanes_max:
                if pooled is None:
                    raise Conflict(no_lane_free(lanes_max))
                endpoint = pooled
            row = self._first_row(endpoint, noted, at=at)
            connection.execute(sa.insert(endpoints).values(**row))
            keep_revision(connection, endpoint, at=at)
            tell_change(connection, endpoint, before=None, at=at)
            owe_endpoint(connection, endpoint, topic=self._topics.endpoints, at=at)
        return kept_of(row)

    def _first_row(self, endpoint: Endpoint, note: EndpointNote, *, at: datetime) -> dict[str, Any]:
        return {
            **columns_of(endpoint),
            **note_columns(note),
            "created_at": to_ms(at),
            "updated_at": to_ms(at),
            "deleted_at": None,
            "announced_revision": 0,
            "announced_offset": None,
            "lane_topic": own_lane(endpoint, self._topics),
            "lanes_left": [],
            "buried_at": None,
        }

    def endpoint(self, endpoint_id: str) -> KeptEndpoint:
        """Give an endpoint, also a deleted one.

        Raises:
            NotFound: there is none.
        """
        with reading(self._engine) as connection:
            return _find(connection, endpoint_id)

    def endpoints(self, chosen: EndpointFilter, page: PageRequest) -> list[KeptEndpoint]:
        """List endpoints, oldest first."""
        columns = endpoints.c
        state = chosen.state
        query = sa.select(endpoints).where(
            columns.state != _DELETED if state is None else columns.state == state.value
        )
        wanted = (
            (columns.tenant, chosen.tenant),
            (columns.uid, chosen.uid),
            (columns.endpoint_id, chosen.endpoint_id),
        )
        query = query.where(*(column == value for column, value in wanted if value is not None))
        if page.after is not None:
            query = query.where(_above(columns.created_at, columns.endpoint_id, page.after))
        query = query.order_by(columns.created_at, columns.endpoint_id).limit(page.limit)
        with reading(self._engine) as connection:
            return [kept_of(row) for row in connection.execute(query).mappings()]

    def change_endpoint(
        self,
        endpoint_id: str,
        decide: Decide,
        *,
        at: datetime,
        moves: Sequence[OffsetMove] = (),
        reader: str = "",
    ) -> KeptEndpoint:
        """Decide on the newest revision and write the next, its outbox row and offset moves.

        Raises:
            NotFound: there is none.
            LostRace: an offset was not where it was expected.
        """
        with writing(self._engine) as connection:
            offsets.move(connection, moves, reader=reader)
            kept = _find(connection, endpoint_id, for_update=True)
            match decide(kept):
                case None:
                    return kept
                case KeptEndpoint() as noted:
                    changed = noted.endpoint
                    connection.execute(_of(endpoint_id).values(**note_columns(noted.note)))
                    kept = replace(kept, note=noted.note)
                case Endpoint() as changed:
                    pass
            return self._write(connection, kept, changed, at=at)

    def _write(
        self, connection: Connection, kept: KeptEndpoint, changed: Endpoint, *, at: datetime
    ) -> KeptEndpoint:
        assert changed.revision > kept.endpoint.revision, "revisions only grow"
        was_deleted = kept.endpoint.state is EndpointState.DELETED
        deletes = changed.state is EndpointState.DELETED and not was_deleted
        deleted_at = at if deletes else kept.deleted_at
        lane_topic, left = lanes_after(kept, changed, topics=self._topics)
        connection.execute(
            _of(changed.endpoint_id).values(
                **columns_of(changed),
                lane_topic=lane_topic,
                lanes_left=list(left),
                updated_at=to_ms(at),
                deleted_at=None if deleted_at is None else to_ms(deleted_at),
            )
        )
        keep_revision(connection, changed, at=at)
        tell_change(connection, changed, before=kept.endpoint, at=at)
        owe_endpoint(connection, changed, topic=self._topics.endpoints, at=at)
        return replace(
            kept, endpoint=changed, updated_at=at, deleted_at=deleted_at, lane_topic=lane_topic,
            lanes_left=left,
        )  # fmt: skip

    def move_offsets(self, reader: str, moves: Sequence[OffsetMove]) -> None:
        """Move a reader's offsets alone.

        Raises:
            LostRace: an offset was not where it was expected.
        """
        with writing(self._engine) as connection:
            offsets.move(connection, moves, reader=reader)

    def add_command(self, command: Command, *, at: datetime) -> None:
        """Write a command's outbox row."""
        with writing(self._engine) as connection:
            owe_command(connection, command, at=at)

    def announce_again(self, endpoint_id: str, *, at: datetime, above: int = 0) -> None:
        """Write an outbox row for the newest revision anew, raised above `above` if need be."""
        with writing(self._engine) as connection:
            kept = _find(connection, endpoint_id, for_update=True)
            if kept.endpoint.revision > above:
                owe_endpoint(connection, kept.endpoint, topic=self._topics.endpoints, at=at)
            else:
                raised = replace(kept.endpoint, revision=above + 1)
                self._write(connection, kept, raised, at=at)

    def deleted_endpoints(self) -> list[KeptEndpoint]:
        """Give deleted endpoints whose lane or table entry still exists."""
        query = (
            sa.select(endpoints)
            .where(endpoints.c.state == _DELETED, endpoints.c.buried_at.is_(None))
            .order_by(endpoints.c.deleted_at)
        )
        with reading(self._engine) as connection:
            return [kept_of(row) for row in connection.execute(query).mappings()]

    def bury(self, endpoint_id: str, *, at: datetime) -> None:
        """Write the tombstone's outbox row."""
        with writing(self._engine) as connection:
            kept = _find(connection, endpoint_id, for_update=True)
            connection.execute(
                sa.update(endpoints)
                .where(endpoints.c.endpoint_id == endpoint_id)
                .values(buried_at=to_ms(at))
            )
            owe_tombstone(connection, kept.endpoint, topic=self._topics.endpoints, at=at)

    def ping(self) -> None:
        """Ask whether the database answers and has our tables."""
        check(self._engine)

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()


def _find(connection: Connection, endpoint_id: str, *, for_update: bool = False) -> KeptEndpoint:
    query = sa.select(endpoints).where(endpoints.c.endpoint_id == endpoint_id)
    if for_update:
        query = query.with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"no endpoint {endpoint_id!r}")
    return kept_of(row)


def _of(endpoint_id: str) -> sa.Update:
    return sa.update(endpoints).where(endpoints.c.endpoint_id == endpoint_id)


def _of_uid(connection: Connection, tenant: str, uid: str) -> KeptEndpoint | None:
    columns = endpoints.c
    query = sa.select(endpoints).where(
        columns.tenant == tenant, columns.uid == uid, columns.state != _DELETED
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else kept_of(row)


def _turn(connection: Connection) -> sa.Select[Any]:
    # SQLite's writers take turns anyway.
    if connection.dialect.name == "postgresql":
        return sa.select(sa.func.pg_advisory_xact_lock(_COUNTING))
    return sa.select(sa.literal(1))


def _above(
    time: sa.ColumnElement[int], row_id: sa.ColumnElement[str], after: Cursor
) -> sa.ColumnElement[bool]:
    at, last = after
    return sa.or_(time > at, sa.and_(time == at, row_id > last))
