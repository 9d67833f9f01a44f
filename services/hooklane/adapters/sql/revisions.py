"""Every revision an endpoint had, and from which table position on the world knew it.

`table_offset` of a receipt names a position of the endpoint table; the revision in force there is
the newest whose position is not above it. Written with the revision itself, so that none is
missing; the position is set when the relay has its record on the topic, and never moved.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from hooklane.adapters.sql.engine import reading
from hooklane.adapters.sql.tables import endpoint_revisions
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.explanation import KnownRevision
from hooklane.domain.subscription import Subscription

_OWN = endpoint_revisions.c


def keep_revision(connection: Connection, endpoint: Endpoint, *, at: datetime) -> None:
    """Write a revision, inside the transaction that makes it."""
    connection.execute(
        sa.insert(endpoint_revisions).values(
            endpoint_id=endpoint.endpoint_id,
            revision=endpoint.revision,
            state=endpoint.state.value,
            state_reason=endpoint.state_reason,
            patterns=list(endpoint.subscription.patterns),
            created_at=to_ms(at),
            position=None,
        )
    )


def place_revision(
    connection: Connection, endpoint_id: str, *, revision: int, position: int
) -> None:
    """Note from where on the endpoint table has a revision; a record written anew moves nothing."""
    connection.execute(
        sa.update(endpoint_revisions)
        .where(
            _OWN.endpoint_id == endpoint_id,
            _OWN.revision == revision,
            _OWN.position.is_(None),
        )
        .values(position=position)
    )


class SqlRevisions:
    """Reads them."""

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        self._engine = engine

    def revision_at(self, endpoint_id: str, table_offset: int) -> KnownRevision | None:
        """Give the revision in force at a position of the endpoint table, None before the first."""
        return self._first(
            _chosen(endpoint_id)
            .where(_OWN.position <= table_offset)
            .order_by(_OWN.position.desc(), _OWN.revision.desc())
        )

    def first_revision(self, endpoint_id: str) -> KnownRevision | None:
        """Give the oldest revision that is known."""
        return self._first(_chosen(endpoint_id).order_by(_OWN.revision))

    def revisions_above(
        self, endpoint_id: str, *, revision: int, limit: int
    ) -> list[KnownRevision]:
        """Give the revisions above this one, oldest first."""
        query = _chosen(endpoint_id).where(_OWN.revision > revision).order_by(_OWN.revision)
        with reading(self._engine) as connection:
            return [_known(row) for row in connection.execute(query.limit(limit)).mappings()]

    def _first(self, query: sa.Select[Any]) -> KnownRevision | None:
        with reading(self._engine) as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return None if row is None else _known(row)


def _chosen(endpoint_id: str) -> sa.Select[Any]:
    return sa.select(endpoint_revisions).where(_OWN.endpoint_id == endpoint_id)


def _known(row: RowMapping) -> KnownRevision:
    return KnownRevision(
        revision=row["revision"],
        state=EndpointState(row["state"]),
        state_reason=row["state_reason"],
        subscription=Subscription(patterns=tuple(row["patterns"])),
        created_at=from_ms(row["created_at"]),
        position=row["position"],
    )
