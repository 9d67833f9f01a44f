"""What SQL knows of endpoints' lanes: who has one of its own, and which are to go.

`lane_topic` is an endpoint's own lane. A lane that a revision no longer names, neither as its
placement nor among its former ones, moves to `lanes_left` with that revision, and stays there until
its topic is deleted: so no lane is ever forgotten.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.health import health_of
from hooklane.adapters.sql.rows import kept_of
from hooklane.adapters.sql.tables import endpoint_health, endpoints
from hooklane.adapters.store import KeptEndpoint
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState, Order
from hooklane.domain.health import Health
from hooklane.domain.topics import Topics

_DELETED, _ACTIVE = EndpointState.DELETED.value, EndpointState.ACTIVE.value
_NONE = "[]"


class SqlLanes:
    """Control's side of it."""

    _engine: Engine

    def moved_endpoints(self) -> list[KeptEndpoint]:
        """Give endpoints, not deleted, that had other lanes which are not gone yet."""
        columns = endpoints.c
        had = (
            sa.cast(columns.former, sa.Text) != _NONE,
            sa.cast(columns.lanes_left, sa.Text) != _NONE,
        )
        query = sa.select(endpoints).where(columns.state != _DELETED, sa.or_(*had))
        with reading(self._engine) as connection:
            return [kept_of(row) for row in connection.execute(query).mappings()]

    def own_lanes(self) -> int:
        """Count endpoints, not deleted, that have a lane of their own."""
        with reading(self._engine) as connection:
            return count_own_lanes(connection)

    def pooled_health(self, *, since: datetime) -> list[Health]:
        """Give the health, where it changed since then, of active endpoints in the pool."""
        columns, rows = endpoints.c, endpoint_health.c
        query = (
            sa.select(endpoint_health)
            .join(endpoints, columns.endpoint_id == rows.endpoint_id)
            .where(
                columns.state == _ACTIVE,
                columns.lane_topic.is_(None),
                columns.pinned.is_(False),
                rows.updated_at >= to_ms(since),
            )
        )
        with reading(self._engine) as connection:
            return [health_of(row) for row in connection.execute(query).mappings()]

    def pooled_counts(self) -> dict[int, int]:
        """Count endpoints, not deleted, that share the pool, by its partition."""
        columns = endpoints.c
        partition = columns.placement["partition"].as_integer()
        query = (
            sa.select(partition, sa.func.count())
            .where(columns.state != _DELETED, columns.lane_topic.is_(None))
            .group_by(partition)
        )
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def quiet_endpoints(self, *, since: datetime, limit: int) -> list[str]:
        """Give endpoints with a lane of their own that they need not, quiet at least so long."""
        columns, rows, before = endpoints.c, endpoint_health.c, to_ms(since)
        last = sa.func.coalesce(rows.last_success_at, 0)
        query = (
            sa.select(columns.endpoint_id)
            .outerjoin(endpoint_health, columns.endpoint_id == rows.endpoint_id)
            .where(
                columns.state == _ACTIVE,
                columns.lane_topic.is_not(None),
                columns.pinned.is_(False),
                columns.event_order == Order.NONE.value,
                sa.cast(columns.former, sa.Text) == _NONE,
                columns.updated_at < before,
                last < before,
                # Who failed last is no quiet one: much may wait behind it.
                rows.failing_since.is_(None),
            )
            .order_by(last, columns.endpoint_id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def forget_lanes(self, endpoint_id: str, lanes: Collection[str], *, at: datetime) -> None:
        """Note that these lanes' topics are no more."""
        columns = endpoints.c
        own = columns.endpoint_id == endpoint_id
        with writing(self._engine) as connection:
            query = sa.select(columns.lane_topic, columns.lanes_left).where(own).with_for_update()
            lane_topic, left = connection.execute(query).one()
            connection.execute(
                sa.update(endpoints)
                .where(own)
                .values(
                    lane_topic=None if lane_topic in lanes else lane_topic,
                    lanes_left=[lane for lane in left if lane not in lanes],
                    updated_at=to_ms(at),
                )
            )


def own_lane(endpoint: Endpoint, topics: Topics) -> str | None:
    """Give an endpoint's own lane, None in the pool."""
    placement = endpoint.placement
    if placement is None or not topics.is_lane(placement.topic):
        return None
    return placement.topic


def lanes_after(
    kept: KeptEndpoint, changed: Endpoint, *, topics: Topics
) -> tuple[str | None, tuple[str, ...]]:
    """Give an endpoint's own lane after a change, and the lanes that no revision names then."""
    before = {*(lane.topic for lane in kept.endpoint.former), kept.lane_topic}
    # Until its topic is gone, one without a placement has it still.
    own = kept.lane_topic if changed.placement is None else own_lane(changed, topics)
    named = {*(lane.topic for lane in changed.former), own, *kept.lanes_left}
    left = sorted(topic for topic in before - named if topic is not None and topics.is_lane(topic))
    return own, (*kept.lanes_left, *left)


def count_own_lanes(connection: Connection) -> int:
    """Count endpoints, not deleted, that have a lane of their own."""
    columns = endpoints.c
    query = (
        sa.select(sa.func.count())
        .select_from(endpoints)
        .where(columns.state != _DELETED, columns.lane_topic.is_not(None))
    )
    return int(connection.execute(query).scalar_one())


def no_lane_free(lanes_max: int) -> str:
    """Say why an endpoint that needs a lane of its own can't have one."""
    return (
        f"there are {lanes_max} endpoints with a lane of their own (dedicated_lanes_max), and one "
        "with order: key needs its own: delete one, or place one in the pool"
    )
