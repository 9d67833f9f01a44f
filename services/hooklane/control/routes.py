"""Routes of tenants and endpoints."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from hooklane.adapters.store import EndpointFilter, KeptEndpoint, PageRequest
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
    tenant_name,
)
from hooklane.control.problems import RevisionRequired, RevisionStale
from hooklane.control.requests import EndpointChange, EndpointDraft, TenantDraft
from hooklane.domain.endpoint import Cause, Endpoint, EndpointState
from hooklane.domain.errors import Invalid
from hooklane.domain.ids import new_endpoint_id

LIMIT_MAX = 500
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows a page.")]
CursorText = Annotated[str | None, Query(description="next_cursor of the page before.")]
IfMatch = Annotated[str | None, Header(description="The ETag the change is based on.")]
MAY_WAIT: dict[int | str, dict[str, Any]] = {
    202: {"model": EndpointAnswer, "description": "Written, not yet effective."}
}


class TenantRoutes:
    """`/v1/tenants`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1/tenants", tags=["tenants"])
        router.post("", status_code=201, summary="Create a tenant")(self.create)
        router.get("", summary="List tenants")(self.list)
        router.get("/{name}", summary="Show a tenant")(self.show)
        return router

    def create(self, draft: TenantDraft) -> TenantAnswer:
        """Create a tenant; its name is what events are published under."""
        desk = self._desk
        return tenant_answer(desk.store.add_tenant(tenant_name(draft.name), at=desk.clock.now()))

    def list(self, limit: Limit = 100, cursor: CursorText = None) -> Page:
        """List tenants, oldest first."""
        after = read_cursor(cursor)
        found = self._desk.store.tenants(PageRequest(limit=limit, after=after))
        last = found[-1] if len(found) == limit else None
        return Page(
            items=[tenant_answer(tenant).model_dump() for tenant in found],
            next_cursor=last and write_cursor(cursor_of(last.created_at, last.name)),
        )

    def show(self, name: str) -> TenantAnswer:
        """Show a tenant."""
        return tenant_answer(self._desk.store.tenant(name))


class EndpointRoutes:
    """`/v1/endpoints`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
        router.post("", status_code=201, responses=MAY_WAIT, summary="Create an endpoint")(
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
        router.post("/{endpoint_id}/enable", responses=MAY_WAIT, summary="Enable after a 410")(
            self.enable
        )
        return router

    def create(self, draft: EndpointDraft, response: Response) -> EndpointAnswer:
        """Create an endpoint; the only answer that shows its secret."""
        desk = self._desk
        endpoint, secret = first_revision(draft, new_endpoint_id(), rules=desk.rules)
        kept = desk.store.add_endpoint(endpoint, at=desk.clock.now(), lanes_max=desk.lanes_max)
        desk.ring()
        return desk.tell(kept, response, secret=secret)

    def list(
        self,
        tenant: str | None = None,
        state: str | None = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Page:
        """List endpoints, oldest first; deleted ones only by `state=deleted`."""
        after = read_cursor(cursor)
        chosen = EndpointFilter(tenant=tenant, state=_state(state))
        found = self._desk.store.endpoints(chosen, PageRequest(limit=limit, after=after))
        last = found[-1] if len(found) == limit else None
        return Page(
            items=[self._desk.show(kept).model_dump() for kept in found],
            next_cursor=last and write_cursor(cursor_of(last.created_at, _id(last))),
        )

    def show(self, endpoint_id: str, response: Response) -> EndpointAnswer:
        """Show an endpoint; its ETag is what a change sends as If-Match."""
        return self._desk.show(self._desk.store.endpoint(endpoint_id), response)

    def update(
        self,
        endpoint_id: str,
        change: EndpointChange,
        response: Response,
        if_match: IfMatch = None,
    ) -> EndpointAnswer:
        """Change the fields that are sent, if the endpoint is still as the caller saw it."""
        desk = self._desk
        if if_match is None:
            raise RevisionRequired('send If-Match: "<revision>", the ETag the change is based on')

        def decide(kept: KeptEndpoint) -> Endpoint:
            require_kept(kept.endpoint)
            _require_revision(kept.endpoint, if_match)
            return changed_revision(kept.endpoint, change, rules=desk.rules, now=desk.clock.now())

        return desk.tell(desk.change(endpoint_id, decide), response)

    def delete(
        self, endpoint_id: str, response: Response, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Delete an endpoint: what waits for it is cancelled."""
        return self._move(endpoint_id, Cause.DELETE, response, if_match)

    def pause(
        self, endpoint_id: str, response: Response, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Hold an endpoint's deliveries; new events still wait for it."""
        return self._move(endpoint_id, Cause.PAUSE, response, if_match)

    def resume(
        self, endpoint_id: str, response: Response, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Send what waited, in its order, and what comes."""
        return self._move(endpoint_id, Cause.RESUME, response, if_match)

    def enable(
        self, endpoint_id: str, response: Response, if_match: IfMatch = None
    ) -> EndpointAnswer:
        """Enable a disabled endpoint; its dead letters can then be redriven."""
        return self._move(endpoint_id, Cause.ENABLE, response, if_match)

    def _move(
        self, endpoint_id: str, cause: Cause, response: Response, if_match: str | None
    ) -> EndpointAnswer:
        def decide(kept: KeptEndpoint) -> Endpoint:
            require_kept(kept.endpoint)
            if if_match is not None:
                _require_revision(kept.endpoint, if_match)
            return moved_revision(kept.endpoint, cause)

        return self._desk.tell(self._desk.change(endpoint_id, decide), response)


def _require_revision(endpoint: Endpoint, if_match: str) -> None:
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
