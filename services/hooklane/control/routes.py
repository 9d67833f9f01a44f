"""Routes of tenants and endpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from hooklane.adapters.store import Decide, EndpointFilter, KeptEndpoint, PageRequest
from hooklane.control.access import Caller, CallerOf
from hooklane.control.answers import (
    EndpointAnswer,
    Page,
    TenantAnswer,
    cursor_of,
    read_cursor,
    tenant_answer,
    write_cursor,
)
from hooklane.control.desk import Desk
from hooklane.control.drafts import (
    changed_revision,
    first_revision,
    moved_revision,
    require_kept,
    rotated_revision,
    tenant_name,
)
from hooklane.control.notes import changed_note, first_note, require_same
from hooklane.control.problems import RevisionRequired, RevisionStale
from hooklane.control.requests import EndpointChange, EndpointDraft, RotateDraft, TenantDraft
from hooklane.domain.endpoint import Cause, Endpoint, EndpointState
from hooklane.domain.errors import Conflict, Invalid
from hooklane.domain.ids import new_endpoint_id
from hooklane.domain.placing import first_in_pool, in_own_lane

LIMIT_MAX = 500
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows a page.")]
CursorText = Annotated[str | None, Query(description="next_cursor of the page before.")]
IfMatch = Annotated[str | None, Header(description="The ETag the change is based on.")]
MAY_WAIT: dict[int | str, dict[str, Any]] = {
    202: {"model": EndpointAnswer, "description": "Written, not yet effective."}
}
SAME_ENDPOINT: dict[int | str, dict[str, Any]] = {
    **MAY_WAIT,
    200: {"model": EndpointAnswer, "description": "It was created by the same request before."},
}
SAME_TENANT: dict[int | str, dict[str, Any]] = {
    200: {"model": TenantAnswer, "description": "It was created by the same request before."}
}


class TenantRoutes:
    """`/v1/tenants`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1/tenants", tags=["tenants"])
        router.post("", status_code=201, responses=SAME_TENANT, summary="Create a tenant")(
            self.create
        )
        router.get("", summary="List tenants")(self.list)
        router.get("/{name}", summary="Show a tenant")(self.show)
        return router

    def create(self, draft: TenantDraft, response: Response, caller: CallerOf) -> TenantAnswer:
        """Create a tenant; its name is what events are published under."""
        caller.require_admin()
        name, now = tenant_name(draft.name), self._desk.clock.now()
        made = self._desk.store.add_tenant(name, at=now, uid=draft.uid)
        if made.name != name:
            raise Conflict(f"name: uid {draft.uid!r} is tenant {made.name!r}'s")
        if draft.uid is not None and made.created_at != now:
            response.status_code = 200
        return tenant_answer(made)

    def list(self, caller: CallerOf, limit: Limit = 100, cursor: CursorText = None) -> Page:
        """List tenants, oldest first; a tenant sees itself."""
        after = read_cursor(cursor)
        if caller.tenant is not None:
            return Page(items=[self.show(caller.tenant, caller).model_dump()], next_cursor=None)
        found = self._desk.store.tenants(PageRequest(limit=limit, after=after))
        last = found[-1] if len(found) == limit else None
        return Page(
            items=[tenant_answer(tenant).model_dump() for tenant in found],
            next_cursor=last and write_cursor(cursor_of(last.created_at, last.name)),
        )

    def show(self, name: str, caller: CallerOf) -> TenantAnswer:
        """Show a tenant."""
        caller.require(name, f"tenant {name!r}", endpoint_id=caller.endpoint_id)
        return tenant_answer(self._desk.store.tenant(name))


class EndpointRoutes:
    """`/v1/endpoints`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
        router.post("", status_code=201, responses=SAME_ENDPOINT, summary="Create an endpoint")(
            self.create
        )
        router.get("", summary="List endpoints")(self.list)
        router.get("/{endpoint_id}", summary="Show an endpoint")(self.show)
        router.patch("/{endpoint_id}", responses=MAY_WAIT, summary="Change an endpoint")(
            self.update
        )
        router.delete("/{endpoint_id}", responses=MAY_WAIT, summary="Delete an endpoint")(
            self.delete
        )
        router.post("/{endpoint_id}/pause", responses=MAY_WAIT, summary="Hold its deliveries")(
            self.pause
        )
        router.post("/{endpoint_id}/resume", responses=MAY_WAIT, summary="Deliver again")(
            self.resume
        )
        router.post("/{endpoint_id}/enable", responses=MAY_WAIT, summary="Enable it again")(
            self.enable
        )
        router.post("/{endpoint_id}/rotate-secret", responses=MAY_WAIT, summary="Renew its secret")(
            self.rotate
        )
        return router

    def create(self, draft: EndpointDraft, response: Response, caller: CallerOf) -> EndpointAnswer:
        """Create an endpoint; the only answer that shows its secret."""
        caller.require_write()
        caller.scope(draft.tenant)
        desk, endpoint_id = self._desk, new_endpoint_id()
        endpoint, secret = first_revision(draft, endpoint_id, rules=desk.rules)
        note = first_note(draft, endpoint_id, rules=desk.rules)
        kept = desk.store.add_endpoint(
            endpoint,
            at=desk.clock.now(),
            lanes_max=desk.lanes_max,
            note=note,
            pooled=first_in_pool(endpoint, desk.topics),
        )
        if kept.endpoint.endpoint_id != endpoint_id:
            require_same(kept, draft, rules=desk.rules)
            response.status_code = 200
            return desk.show(kept, response)
        desk.ring()
        return desk.tell(kept, response, secret=secret)

    def list(
        self,
        *,
        caller: CallerOf,
        tenant: str | None = None,
        state: str | None = None,
        uid: str | None = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Page:
        """List endpoints, oldest first; deleted ones only by `state=deleted`."""
        after = read_cursor(cursor)
        chosen = EndpointFilter(
            tenant=caller.scope(tenant, endpoint_id=caller.endpoint_id),
            state=_state(state),
            uid=uid,
            endpoint_id=caller.endpoint_id,
        )
        found = self._desk.store.endpoints(chosen, PageRequest(limit=limit, after=after))
        last = found[-1] if len(found) == limit else None
        return Page(
            items=[self._desk.show(kept).model_dump() for kept in found],
            next_cursor=last and write_cursor(cursor_of(last.created_at, _id(last))),
        )

    def show(self, endpoint_id: str, response: Response, caller: CallerOf) -> EndpointAnswer:
        """Show an endpoint; its ETag is what a change sends as If-Match."""
        kept = self._desk.store.endpoint(endpoint_id)
        _require_own(caller, kept.endpoint)
        return self._desk.show(kept, response)

    def update(
        self,
        *,
        endpoint_id: str,
        change: EndpointChange,
        response: Response,
        caller: CallerOf,
        if_match: IfMatch = None,
    ) -> EndpointAnswer:
        """Change the fields that are sent, if the endpoint is still as the caller saw it."""
        desk = self._desk

        def decide(kept: KeptEndpoint) -> KeptEndpoint:
            if if_match is None:
                raise RevisionRequired(
                    'send If-Match: "<revision>", the ETag the change is based on'
                )
            now = desk.clock.now()
            endpoint = changed_revision(kept.endpoint, change, rules=desk.rules, now=now)
            return replace(kept, endpoint=endpoint, note=changed_note(kept.note, change))

        return desk.tell(self._change(endpoint_id, decide, caller, if_match), response)

    def rotate(
        self,
        *,
        endpoint_id: str,
        response: Response,
        caller: CallerOf,
        draft: RotateDraft | None = None,
        if_match: IfMatch = None,
    ) -> EndpointAnswer:
        """Renew an endpoint's secret; the only answer that shows it. The one before goes on."""
        desk, wanted, secret = self._desk, draft or RotateDraft(), ""

        def decide(kept: KeptEndpoint) -> Endpoint:
            nonlocal secret
            now = desk.clock.now()
            endpoint, secret = rotated_revision(kept.endpoint, wanted, rules=desk.rules, now=now)
            return endpoint

        kept = self._change(endpoint_id, decide, caller, if_match)
        return desk.tell(kept, response, secret=secret)

    def delete(
        self, endpoint_id: str, response: Response, caller: CallerOf, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Delete an endpoint: what waits for it is cancelled."""
        return self._move(endpoint_id, Cause.DELETE, response, caller, if_match)

    def pause(
        self, endpoint_id: str, response: Response, caller: CallerOf, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Hold an endpoint's deliveries; new events still wait for it."""
        return self._move(endpoint_id, Cause.PAUSE, response, caller, if_match)

    def resume(
        self, endpoint_id: str, response: Response, caller: CallerOf, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Send what waited, in its order, and what comes."""
        return self._move(endpoint_id, Cause.RESUME, response, caller, if_match)

    def enable(
        self, endpoint_id: str, response: Response, caller: CallerOf, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Enable a disabled endpoint; its dead letters can then be redriven."""
        return self._move(endpoint_id, Cause.ENABLE, response, caller, if_match)

    def _move(
        self,
        endpoint_id: str,
        cause: Cause,
        response: Response,
        caller: Caller,
        if_match: str | None,
    ) -> EndpointAnswer:
        def decide(kept: KeptEndpoint) -> Endpoint:
            moved = moved_revision(kept.endpoint, cause)
            # Nothing in the pool waits: who is paused has a lane of its own, also beyond the most.
            return in_own_lane(moved, self._desk.topics) if cause is Cause.PAUSE else moved

        return self._desk.tell(self._change(endpoint_id, decide, caller, if_match), response)

    def _change(
        self, endpoint_id: str, decide: Decide, caller: Caller, if_match: str | None
    ) -> KeptEndpoint:
        caller.require_write()

        def decide_if_theirs(kept: KeptEndpoint) -> Endpoint | KeptEndpoint | None:
            _require_own(caller, kept.endpoint)
            require_kept(kept.endpoint)
            if if_match is not None:
                require_revision(kept.endpoint, if_match)
            return decide(kept)

        return self._desk.change(endpoint_id, decide_if_theirs)


def _require_own(caller: Caller, endpoint: Endpoint) -> None:
    own = endpoint.endpoint_id
    caller.require(endpoint.tenant, f"endpoint {own!r}", endpoint_id=own)


def require_revision(endpoint: Endpoint, if_match: str) -> None:
    """Refuse a change that is based on another revision.

    Raises:
        RevisionStale: the endpoint is at another by now.
    """
    sent = if_match.strip().removeprefix("W/").strip('"')
    if sent != "*" and sent != str(endpoint.revision):
        raise RevisionStale(
            f"If-Match is {if_match[:40]}, endpoint {endpoint.endpoint_id} is at revision "
            f"{endpoint.revision}: read it again"
        )


def _state(text: str | None) -> EndpointState | None:
    if text is None:
        return None
    try:
        return EndpointState(text)
    except ValueError:
        known = ", ".join(state.value for state in EndpointState)
        raise Invalid(f"state: {text[:40]!r} is none of {known}") from None


def _id(kept: KeptEndpoint) -> str:
    return kept.endpoint.endpoint_id
