"""`/v1/endpoints/{endpoint_id}/placement`: choose an endpoint's lane by hand."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Response

from hooklane.adapters import metrics
from hooklane.adapters.store import KeptEndpoint
from hooklane.control.access import CallerOf
from hooklane.control.answers import EndpointAnswer
from hooklane.control.desk import Desk
from hooklane.control.drafts import require_kept
from hooklane.control.requests import PlacementDraft
from hooklane.control.routes import MAY_WAIT, IfMatch, require_revision
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import Conflict
from hooklane.domain.placing import in_own_lane, in_pool, is_pooled


class PlacementRoutes:
    """`/v1/endpoints/{endpoint_id}/placement`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the route."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
        router.post("/{endpoint_id}/placement", responses=MAY_WAIT, summary="Choose its lane")(
            self.place
        )
        return router

    def place(
        self,
        *,
        endpoint_id: str,
        draft: PlacementDraft,
        response: Response,
        caller: CallerOf,
        if_match: IfMatch = None,
    ) -> EndpointAnswer:
        """Give it a lane of its own, or a place in the pool, and keep it there; or let it move."""
        caller.require_admin()
        desk = self._desk
        # Counted before: of two who ask at once both may get the last one.
        free = desk.lanes_max - desk.store.own_lanes()

        def decide(kept: KeptEndpoint) -> KeptEndpoint | None:
            require_kept(kept.endpoint)
            if if_match is not None:
                require_revision(kept.endpoint, if_match)
            note = replace(kept.note, pinned=draft.lane != "auto")
            moved = self._moved(kept.endpoint, draft.lane, free=free)
            if moved is kept.endpoint and note == kept.note:
                return None
            return replace(kept, endpoint=replace(moved, revision=moved.revision + 1), note=note)

        before = desk.store.endpoint(endpoint_id).endpoint.placement
        kept = desk.change(endpoint_id, decide)
        if kept.endpoint.placement != before:
            metrics.LANES_MOVED.labels("hand").inc()
        return desk.tell(kept, response)

    def _moved(self, endpoint: Endpoint, lane: str, *, free: int) -> Endpoint:
        topics = self._desk.topics
        if lane == "pool":
            return in_pool(endpoint, topics)
        if lane == "auto" or not is_pooled(endpoint, topics):
            return endpoint
        if free <= 0:
            raise Conflict(
                f"lane: all {self._desk.lanes_max} lanes are in use (dedicated_lanes_max): place "
                "another endpoint in the pool first"
            )
        return in_own_lane(endpoint, topics)
