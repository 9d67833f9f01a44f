"""`/v1/endpoints/{endpoint_id}/send-now`: let an endpoint's waiting retries go at once."""

from __future__ import annotations

from fastapi import APIRouter

from hooklane.control.access import Caller, CallerOf
from hooklane.control.answers import CommandAnswer
from hooklane.control.desk import Desk
from hooklane.control.drafts import require_kept
from hooklane.domain.endpoint import Endpoint, EndpointState, Order
from hooklane.domain.errors import Conflict


class ReleaseRoutes:
    """`/v1/endpoints/{endpoint_id}/send-now`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the route."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
        router.post(
            "/{endpoint_id}/send-now", status_code=202, summary="Send its waiting retries now"
        )(self.send_now)
        return router

    def send_now(self, endpoint_id: str, caller: CallerOf) -> CommandAnswer:
        """Put all that waits for a retry in its lane at once; a paused endpoint holds it there.

        An endpoint with order key is refused: its retries wait in their lane.
        """
        endpoint = sendable(self._desk, endpoint_id, caller=caller)
        if endpoint.order is Order.KEY:
            raise Conflict(
                f"endpoint {endpoint_id} has order key: what failed waits in its lane until it is "
                "due, with its key behind it, and cannot be sent before"
            )
        count = self._desk.store.count_waiting(endpoint_id, now=self._desk.clock.now())
        command_id = self._desk.order(
            "send_now", endpoint_id=endpoint.endpoint_id, tenant=endpoint.tenant
        )
        return CommandAnswer(command_id=command_id, count=count)


def sendable(desk: Desk, endpoint_id: str, *, caller: Caller) -> Endpoint:
    """Give an endpoint that may be sent to, by a caller who may ask for it.

    Raises:
        NotFound: there is none, it is another's, or it is deleted.
        Forbidden: the key only reads.
        Conflict: it is disabled.
    """
    caller.require_write()
    endpoint = desk.store.endpoint(endpoint_id).endpoint
    caller.require(endpoint.tenant, f"endpoint {endpoint_id!r}", endpoint_id=endpoint_id)
    require_kept(endpoint)
    if endpoint.state is EndpointState.DISABLED:
        raise Conflict(f"endpoint {endpoint_id} is disabled: enable it first")
    return endpoint
