"""Routes of what happened and of what is asked again: attempts, dead letters, redrives, status."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from hooklane.adapters.store import DeadLetterFilter, Row
from hooklane.control.access import Caller, CallerOf, Forbidden
from hooklane.control.answers import (
    CommandAnswer,
    Page,
    attempt_answer,
    dead_letter_answer,
    write_cursor,
)
from hooklane.control.desk import Desk
from hooklane.control.drafts import require_kept
from hooklane.control.log_answers import (
    AttemptAnswer,
    AttemptDetail,
    AttemptPage,
    DeadLetterAnswer,
    DeadLetterDetail,
    DeadLetterPage,
    sent_headers,
)
from hooklane.control.log_examples import STATUS_SHOWN
from hooklane.control.log_queries import AttemptQuery, DeadLetterQuery, aware, known_reason
from hooklane.control.lookout import Lookout
from hooklane.control.requests import RedriveDraft, ResubmitDraft
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import Conflict, NotFound


class LogRoutes:
    """`/v1/attempts`, `/v1/dead-letters`, `/v1/redrives`, `/v1/rejected-events`, `/v1/status`."""

    def __init__(self, desk: Desk, lookout: Lookout) -> None:
        """Keep the desk, and who looks at topics."""
        self._desk, self._lookout = desk, lookout

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1", tags=["log"])
        router.get("/attempts", summary="List attempts")(self.attempts)
        router.get("/attempts/{attempt_id}", summary="Show an attempt")(self.attempt)
        router.get("/dead-letters", summary="List dead letters")(self.dead_letters)
        router.get("/dead-letters/{delivery_id}", summary="Show a dead letter")(self.dead_letter)
        router.post("/redrives", status_code=202, summary="Put dead letters back")(self.redrive)
        router.get("/rejected-events", summary="List rejected events")(self.rejected)
        router.post(
            "/rejected-events/resubmit", status_code=202, summary="Match rejected events again"
        )(self.resubmit)
        router.get("/status", summary="Lanes, tiers, dead letters, clocks", responses=STATUS_SHOWN)(
            self.status
        )
        return router

    def attempts(self, caller: CallerOf, query: Annotated[AttemptQuery, Query()]) -> AttemptPage:
        """List attempts, newest first; `q` is text in their events' payloads."""
        rows = self._desk.store.attempts(query.chosen(caller), query.page())
        return AttemptPage(
            items=[AttemptAnswer.model_validate(attempt_answer(row)) for row in rows],
            next_cursor=_next(rows, query.limit, at="started_at", row_id="attempt_id"),
        )

    def attempt(self, caller: CallerOf, attempt_id: str) -> AttemptDetail:
        """Show an attempt, with what was sent but for secrets."""
        row = self._desk.store.attempt(attempt_id)
        caller.require(row["tenant"], f"attempt {attempt_id}", endpoint_id=row["endpoint_id"])
        shown = attempt_answer(row) | {
            "request_headers": sent_headers(row),
            "custom_header_names": self._header_names(row["endpoint_id"]),
        }
        return AttemptDetail.model_validate(shown)

    def dead_letters(
        self, caller: CallerOf, query: Annotated[DeadLetterQuery, Query()]
    ) -> DeadLetterPage:
        """List dead letters that were not redriven, newest first."""
        rows = self._desk.store.dead_letters(query.chosen(caller), query.page())
        return DeadLetterPage(
            items=[DeadLetterAnswer.model_validate(dead_letter_answer(row)) for row in rows],
            next_cursor=_next(rows, query.limit, at="died_at", row_id="delivery_id"),
        )

    def dead_letter(self, caller: CallerOf, delivery_id: str) -> DeadLetterDetail:
        """Show a dead letter with its payload."""
        row = self._desk.store.dead_letter(delivery_id)
        what = f"dead letter of delivery {delivery_id}"
        caller.require(row["tenant"], what, endpoint_id=row["endpoint_id"])
        return DeadLetterDetail.model_validate(dead_letter_answer(row))

    def redrive(self, caller: CallerOf, draft: RedriveDraft) -> CommandAnswer:
        """Put an endpoint's dead letters back in its lane, each once, under the same ids."""
        store = self._desk.store
        endpoint = store.endpoint(draft.endpoint_id).endpoint
        what = f"endpoint {draft.endpoint_id!r}"
        caller.require(endpoint.tenant, what, endpoint_id=endpoint.endpoint_id)
        if not draft.dry_run:
            caller.require_write()
        require_kept(endpoint)
        if endpoint.state is EndpointState.DISABLED:
            raise Conflict(f"endpoint {endpoint.endpoint_id} is disabled: enable it first")
        since = None if draft.since is None else aware(draft.since)
        chosen = DeadLetterFilter(
            endpoint_id=draft.endpoint_id,
            reason=known_reason(draft.reason),
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

    def rejected(self, caller: CallerOf, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Page:
        """List the newest rejected events, newest first."""
        _require_deployment(caller)
        return Page(items=self._lookout.rejected(limit))

    def resubmit(self, caller: CallerOf, draft: ResubmitDraft) -> CommandAnswer:
        """Match rejected events again, under the ids they would have had."""
        caller.require_admin()
        positions = [position.model_dump() for position in draft.positions]
        command_id = self._desk.order("resubmit", endpoint_id="", tenant="", positions=positions)
        return CommandAnswer(command_id=command_id, count=len(positions))

    def status(self, caller: CallerOf) -> dict[str, Any]:
        """Tell what waits where and until when, what died of what, and whose clock is off."""
        _require_deployment(caller)
        return self._lookout.status()

    def _header_names(self, endpoint_id: str) -> list[str]:
        try:
            return self._desk.show(self._desk.store.endpoint(endpoint_id)).header_names
        except NotFound:
            return []


def _next(rows: list[Row], limit: int, *, at: str, row_id: str) -> str | None:
    if len(rows) < limit:
        return None
    return write_cursor((rows[-1][at], rows[-1][row_id]))


def _require_deployment(caller: Caller) -> None:
    # Topics are shared: what is read of them is nobody's alone.
    if caller.tenant is not None:
        raise Forbidden("this needs a key of the whole deployment")
