"""Routes of what happened and of what is asked again: attempts, dead letters, redrives, status."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Query

from hooklane.adapters.store import AttemptFilter, DeadLetterFilter, PageRequest, Row
from hooklane.control.answers import (
    CommandAnswer,
    Page,
    attempt_answer,
    dead_letter_answer,
    read_cursor,
    write_cursor,
)
from hooklane.control.desk import Desk
from hooklane.control.drafts import require_kept
from hooklane.control.lookout import Lookout
from hooklane.control.requests import RedriveDraft, ResubmitDraft
from hooklane.control.routes import CursorText, Limit
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import Conflict, Invalid, Unsupported
from hooklane.domain.verdict import Reason

UNSUPPORTED = ("resends", "replays", "releases", "cancellations", "probes")


class LogRoutes:
    """`/v1/attempts`, `/v1/dead-letters`, `/v1/redrives`, `/v1/rejected-events`, `/v1/status`."""

    def __init__(self, desk: Desk, lookout: Lookout) -> None:
        """Keep the desk, and who looks at topics."""
        self._desk, self._lookout = desk, lookout

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1", tags=["log"])
        router.get("/attempts", summary="List attempts")(self.attempts)
        router.get("/dead-letters", summary="List dead letters")(self.dead_letters)
        router.get("/dead-letters/{delivery_id}", summary="Show a dead letter")(self.dead_letter)
        router.post("/redrives", status_code=202, summary="Put dead letters back")(self.redrive)
        router.get("/rejected-events", summary="List rejected events")(self.rejected)
        router.post(
            "/rejected-events/resubmit", status_code=202, summary="Match rejected events again"
        )(self.resubmit)
        router.get("/status", summary="Lanes, tiers, dead letters, clocks")(self.status)
        for name in UNSUPPORTED:
            router.post(f"/{name}", summary="Not supported yet", include_in_schema=False)(
                _refusing(name)
            )
        return router

    def attempts(
        self,
        *,
        event_id: str | None = None,
        endpoint_id: str | None = None,
        delivery_id: str | None = None,
        outcome: str | None = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Page:
        """List attempts, newest first, of an event, an endpoint or a delivery."""
        if event_id is None and endpoint_id is None and delivery_id is None:
            raise Invalid("name an event_id, an endpoint_id or a delivery_id")
        if outcome is not None and outcome not in {known.value for known in Outcome}:
            raise Invalid(f"outcome: {outcome[:40]!r} is no outcome")
        chosen = AttemptFilter(
            event_id=event_id, endpoint_id=endpoint_id, delivery_id=delivery_id, outcome=outcome
        )
        page = PageRequest(limit=limit, after=read_cursor(cursor))
        rows = self._desk.store.attempts(chosen, page)
        return Page(
            items=[attempt_answer(row) for row in rows],
            next_cursor=_next(rows, limit, at="started_at", row_id="attempt_id"),
        )

    def dead_letters(
        self,
        endpoint_id: str | None = None,
        reason: str | None = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Page:
        """List dead letters that were not redriven, newest first."""
        chosen = DeadLetterFilter(endpoint_id=endpoint_id, reason=_reason(reason))
        page = PageRequest(limit=limit, after=read_cursor(cursor))
        rows = self._desk.store.dead_letters(chosen, page)
        return Page(
            items=[dead_letter_answer(row) for row in rows],
            next_cursor=_next(rows, limit, at="died_at", row_id="delivery_id"),
        )

    def dead_letter(self, delivery_id: str) -> dict[str, Any]:
        """Show a dead letter with its payload."""
        return dead_letter_answer(self._desk.store.dead_letter(delivery_id))

    def redrive(self, draft: RedriveDraft) -> CommandAnswer:
        """Put an endpoint's dead letters back in its lane, each once, under the same ids."""
        store = self._desk.store
        endpoint = store.endpoint(draft.endpoint_id).endpoint
        require_kept(endpoint)
        if endpoint.state is EndpointState.DISABLED:
            raise Conflict(f"endpoint {endpoint.endpoint_id} is disabled: enable it first")
        since = draft.since
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        chosen = DeadLetterFilter(
            endpoint_id=draft.endpoint_id,
            reason=_reason(draft.reason),
            since=since,
            delivery_ids=tuple(draft.delivery_ids),
        )
        count = store.count_dead_letters(chosen)
        if draft.limit is not None:
            count = min(count, draft.limit)
        if draft.dry_run:
            return CommandAnswer(command_id=None, count=count, dry_run=True)
        command_id = self._desk.order(
            "redrive",
            endpoint_id=endpoint.endpoint_id,
            tenant=endpoint.tenant,
            reason=draft.reason or "",
            since=None if since is None else to_ms(since),
            count_max=draft.limit or 0,
            delivery_ids=list(draft.delivery_ids),
        )
        return CommandAnswer(command_id=command_id, count=count)

    def rejected(self, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Page:
        """List the newest rejected events, newest first."""
        return Page(items=self._lookout.rejected(limit))

    def resubmit(self, draft: ResubmitDraft) -> CommandAnswer:
        """Match rejected events again, under the ids they would have had."""
        positions = [position.model_dump() for position in draft.positions]
        command_id = self._desk.order("resubmit", endpoint_id="", tenant="", positions=positions)
        return CommandAnswer(command_id=command_id, count=len(positions))

    def status(self) -> dict[str, Any]:
        """Tell what waits where and until when, what died of what, and whose clock is off."""
        return self._lookout.status()


def _next(rows: list[Row], limit: int, *, at: str, row_id: str) -> str | None:
    if len(rows) < limit:
        return None
    return write_cursor((rows[-1][at], rows[-1][row_id]))


def _reason(text: str | None) -> str | None:
    known = [reason.value for reason in Reason]
    if text is not None and text not in known:
        raise Invalid(f"reason: {text[:40]!r} is none of {', '.join(known)}")
    return text


def _refusing(name: str) -> Any:
    def refuse() -> None:
        """Refuse what is not built yet."""
        raise Unsupported(f"{name} are not supported yet")

    return refuse
