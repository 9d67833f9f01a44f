"""`adapters.replay_store.ReplayStore` over SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hooklane.adapters.log_store import PageRequest
from hooklane.adapters.replay_store import KeptReplay, Progress, ReplayFilter, SourceRange
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.operational import owe_events
from hooklane.adapters.sql.outbox import owe_command
from hooklane.adapters.sql.rows import time_of
from hooklane.adapters.sql.tables import replays
from hooklane.adapters.store import Command
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.errors import NotFound
from hooklane.domain.operational import replay_finished

# What `replay.finished` says; an operator's word for how it ended is the schema's.
_TOLD = {"ended": "failed"}


class SqlReplays:
    """Control's side of it."""

    _engine: Engine

    def add_replay(self, replay: KeptReplay, command: Command) -> None:
        """Keep a replay, and owe its command."""
        row = {
            "replay_id": replay.replay_id,
            "endpoint_id": replay.endpoint_id,
            "tenant": replay.tenant,
            "created_at": to_ms(replay.created_at),
            "ranges": json.dumps(replay.ranges),
            "rate_per_s": replay.rate_per_s,
            "since": _ms(replay.since),
            "until": _ms(replay.until),
            "cancel_asked_at": None,
            **_columns(replay.progress),
        }
        with writing(self._engine) as connection:
            connection.execute(sa.insert(replays).values(**row))
            owe_command(connection, command, at=replay.created_at)

    def replay(self, replay_id: str) -> KeptReplay:
        """Give a replay.

        Raises:
            NotFound: there is none.
        """
        query = sa.select(replays).where(replays.c.replay_id == replay_id)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"no replay {replay_id!r}")
        return _replay_of(row)

    def replays(self, chosen: ReplayFilter, page: PageRequest) -> list[KeptReplay]:
        """List replays, newest first."""
        columns = replays.c
        query = sa.select(replays)
        if chosen.tenant is not None:
            query = query.where(columns.tenant == chosen.tenant)
        if chosen.endpoint_id is not None:
            query = query.where(columns.endpoint_id == chosen.endpoint_id)
        if page.after is not None:
            at, last = page.after
            earlier = sa.and_(columns.created_at == at, columns.replay_id < last)
            query = query.where(sa.or_(columns.created_at < at, earlier))
        query = query.order_by(columns.created_at.desc(), columns.replay_id.desc())
        with reading(self._engine) as connection:
            rows = connection.execute(query.limit(page.limit)).mappings()
            return [_replay_of(row) for row in rows]

    def open_replays(self, limit: int) -> Sequence[KeptReplay]:
        """Give replays that have not ended, oldest first."""
        columns = replays.c
        query = (
            sa.select(replays)
            .where(columns.finished_at.is_(None))
            .order_by(columns.created_at, columns.replay_id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_replay_of(row) for row in connection.execute(query).mappings()]

    def ask_cancel(self, replay_id: str, command: Command, *, at: datetime) -> bool:
        """Note that a replay is to end, and owe the command; False where that was asked before."""
        columns = replays.c
        asking = (
            sa.update(replays)
            .where(
                columns.replay_id == replay_id,
                columns.cancel_asked_at.is_(None),
                columns.finished_at.is_(None),
            )
            .values(cancel_asked_at=to_ms(at))
        )
        with writing(self._engine) as connection:
            if not connection.execute(asking).rowcount:
                return False
            owe_command(connection, command, at=at)
        return True

    def end_replay(self, replay: KeptReplay) -> bool:
        """Keep how a replay ended, and owe the event; False where that is kept already."""
        progress, columns = replay.progress, replays.c
        assert progress.finished_at is not None, "only what ended is kept as such"
        ending = (
            sa.update(replays)
            .where(columns.replay_id == replay.replay_id, columns.finished_at.is_(None))
            .values(**_columns(progress))
        )
        told = replay_finished(
            replay.replay_id,
            tenant=replay.tenant,
            endpoint_id=replay.endpoint_id,
            at=progress.finished_at,
            values={
                "state": _TOLD.get(progress.state, progress.state),
                "matched": progress.matched,
                "read": progress.read,
                "reason": progress.reason,
            },
        )
        with writing(self._engine) as connection:
            if not connection.execute(ending).rowcount:
                return False
            owe_events(connection, (told,))
        return True


def _columns(progress: Progress) -> dict[str, Any]:
    return {
        "state": progress.state,
        "reason": progress.reason,
        "done_count": progress.done,
        "read_count": progress.read,
        "matched_count": progress.matched,
        "undecodable_count": progress.undecodable,
        "started_at": _ms(progress.started_at),
        "finished_at": _ms(progress.finished_at),
    }


def _replay_of(row: Mapping[Any, Any]) -> KeptReplay:
    return KeptReplay(
        replay_id=row["replay_id"],
        endpoint_id=row["endpoint_id"],
        tenant=row["tenant"],
        created_at=from_ms(row["created_at"]),
        ranges=tuple(SourceRange(*one) for one in json.loads(row["ranges"])),
        rate_per_s=row["rate_per_s"],
        since=time_of(row["since"]),
        until=time_of(row["until"]),
        cancel_asked_at=time_of(row["cancel_asked_at"]),
        progress=Progress(
            state=row["state"],
            reason=row["reason"],
            done=row["done_count"],
            read=row["read_count"],
            matched=row["matched_count"],
            undecodable=row["undecodable_count"],
            started_at=time_of(row["started_at"]),
            finished_at=time_of(row["finished_at"]),
        ),
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
