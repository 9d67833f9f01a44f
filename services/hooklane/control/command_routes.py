"""Routes of what goes again out of the event log: one event, or a part of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from hooklane.adapters.replay_store import KeptReplay, ReplayFilter, SourceRange
from hooklane.control.access import Caller, CallerOf
from hooklane.control.again_models import (
    ReplayAnswer,
    ReplayDraft,
    ReplayPage,
    ReplayQuery,
    ResendAnswer,
    ResendDraft,
    replay_answer,
)
from hooklane.control.answers import cursor_of, write_cursor
from hooklane.control.desk import Desk
from hooklane.control.drafts import require_kept
from hooklane.control.past_log import Offsets, PastLog, Times
from hooklane.control.replays import Replays
from hooklane.domain.delivery import Trigger, to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.errors import Conflict, Invalid, NotFound
from hooklane.domain.ids import delivery_id
from hooklane.domain.topics import Partition

_RECEIPTS_MAX = 20


class CommandRoutes:
    """`/v1/resends` and `/v1/replays`."""

    def __init__(self, desk: Desk, past: PastLog, replays: Replays) -> None:
        """Keep the desk, who looks at the log, and who knows how replays go on."""
        self._desk, self._past, self._replays = desk, past, replays

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1", tags=["again"])
        router.post("/resends", status_code=202, summary="Send a past event again")(self.resend)
        router.post("/replays", status_code=202, summary="Replay a part of the event log")(
            self.replay
        )
        router.get("/replays", summary="List replays")(self.list)
        router.get("/replays/{replay_id}", summary="Show a replay and its progress")(self.show)
        router.post("/replays/{replay_id}/cancel", status_code=202, summary="End a replay")(
            self.cancel
        )
        return router

    def resend(self, caller: CallerOf, draft: ResendDraft) -> ResendAnswer:
        """Send a past event to an endpoint again, also to one that did not get it before."""
        endpoint = self._endpoint(caller, draft.endpoint_id)
        caller.require_write()
        receipts = self._desk.store.receipts_of(draft.event_id, limit=_RECEIPTS_MAX)
        own = [row for row in receipts if row["tenant"] == endpoint.tenant]
        if not own:
            raise NotFound(f"no event {draft.event_id!r}")
        _require_open(endpoint)
        event = own[0]
        if not endpoint.subscription.wants(event["type"]):
            raise Conflict(
                f"endpoint {endpoint.endpoint_id} does not subscribe to {event['type']}: "
                "change its subscription first"
            )
        place = Partition(event["source_topic"], event["source_partition"])
        found = self._past.at(place, event["source_offset"])
        command_id = self._desk.order(
            "resend",
            endpoint_id=endpoint.endpoint_id,
            tenant=endpoint.tenant,
            event_id=draft.event_id,
            ranges=[found._asdict()],
        )
        return ResendAnswer(
            command_id=command_id,
            delivery_id=delivery_id(
                event_id=draft.event_id,
                endpoint_id=endpoint.endpoint_id,
                trigger=Trigger.RESEND.value,
                command_id=command_id,
            ),
        )

    def replay(self, caller: CallerOf, draft: ReplayDraft) -> ReplayAnswer:
        """Match a part of the event log again for one endpoint, also from before it existed."""
        desk = self._desk
        endpoint = self._endpoint(caller, draft.endpoint_id)
        if not draft.dry_run:
            caller.require_write()
        _require_open(endpoint)
        ranges = self._ranges(draft)
        now = desk.clock.now()
        command_id, command = desk.command(
            "replay",
            endpoint_id=endpoint.endpoint_id,
            tenant=endpoint.tenant,
            since=None if draft.since is None else max(0, to_ms(draft.since)),
            until=None if draft.until is None else max(0, to_ms(draft.until)),
            ranges=[one._asdict() for one in ranges],
            rate_per_s=draft.rate_per_s,
        )
        replay = KeptReplay(
            replay_id=command_id,
            endpoint_id=endpoint.endpoint_id,
            tenant=endpoint.tenant,
            created_at=now,
            ranges=ranges,
            rate_per_s=draft.rate_per_s,
            since=draft.since,
            until=draft.until,
        )
        if not draft.dry_run:
            desk.store.add_replay(replay, command)
            desk.ring()
        return replay_answer(replay, dry_run=draft.dry_run)

    def list(self, caller: CallerOf, query: Annotated[ReplayQuery, Query()]) -> ReplayPage:
        """List replays, newest first, as they were last seen."""
        tenant = caller.scope(query.tenant, endpoint_id=query.endpoint_id)
        chosen = ReplayFilter(tenant=tenant, endpoint_id=query.endpoint_id)
        self._replays.look()
        found = self._desk.store.replays(chosen, query.page())
        last = found[-1] if len(found) == query.limit else None
        return ReplayPage(
            items=[replay_answer(one) for one in self._replays.all_shown(found)],
            next_cursor=last and write_cursor(cursor_of(last.created_at, last.replay_id)),
        )

    def show(self, caller: CallerOf, replay_id: str) -> ReplayAnswer:
        """Show a replay: its state, how far it is, and what came of it."""
        return replay_answer(self._replays.shown(self._own(caller, replay_id)))

    def cancel(self, caller: CallerOf, replay_id: str) -> ReplayAnswer:
        """End a replay before its end; what it brought back stays."""
        desk = self._desk
        kept = self._own(caller, replay_id)
        caller.require_write()
        replay = self._replays.shown(kept)
        if replay.progress.finished_at is not None:
            raise Conflict(f"replay {replay_id} is {replay.progress.state} already")
        _, command = desk.command(
            "cancel", endpoint_id=replay.endpoint_id, tenant=replay.tenant, target=replay_id
        )
        if desk.store.ask_cancel(replay_id, command, at=desk.clock.now()):
            desk.ring()
        return replay_answer(self._replays.shown(desk.store.replay(replay_id)))

    def _endpoint(self, caller: Caller, endpoint_id: str) -> Endpoint:
        endpoint = self._desk.store.endpoint(endpoint_id).endpoint
        caller.require(endpoint.tenant, f"endpoint {endpoint_id!r}", endpoint_id=endpoint_id)
        require_kept(endpoint)
        return endpoint

    def _own(self, caller: Caller, replay_id: str) -> KeptReplay:
        if "\0" in replay_id:
            raise NotFound("no such replay")
        replay = self._desk.store.replay(replay_id)
        caller.require(replay.tenant, f"replay {replay_id!r}", endpoint_id=replay.endpoint_id)
        return replay

    def _ranges(self, draft: ReplayDraft) -> tuple[SourceRange, ...]:
        by_offset = (draft.partition, draft.from_offset, draft.to_offset) != (None, None, None)
        if draft.since is not None:
            if by_offset:
                raise Invalid("since: name a span of time or of offsets, not both")
            if draft.until is not None and draft.until <= draft.since:
                raise Invalid("until: is not after since")
            times = Times(since=draft.since, until=draft.until)
            return self._past.by_times(times, topic=draft.topic, takes_rest=draft.partial)
        if draft.until is not None:
            raise Invalid("since: name it where until is named")
        if draft.topic is None:
            raise Invalid("since: name a time, or a topic with its offsets")
        if None not in (draft.from_offset, draft.to_offset) and (
            int(draft.to_offset or 0) <= int(draft.from_offset or 0)
        ):
            raise Invalid("to_offset: is not above from_offset")
        offsets = Offsets(partition=draft.partition, first=draft.from_offset, end=draft.to_offset)
        return self._past.by_offsets(draft.topic, offsets, takes_rest=draft.partial)


def _require_open(endpoint: Endpoint) -> None:
    if endpoint.state is EndpointState.DISABLED:
        raise Conflict(f"endpoint {endpoint.endpoint_id} is disabled: enable it first")
