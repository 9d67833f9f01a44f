"""Routes of deliveries: where each is now, by its receipt, attempts and dead letter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from hooklane.adapters.log_store import ReceiptFilter
from hooklane.control.access import CallerOf
from hooklane.control.answers import write_cursor
from hooklane.control.deliveries import Deliveries
from hooklane.control.desk import Desk
from hooklane.control.log_answers import DeliveryAnswer, DeliveryPage, delivery_answer
from hooklane.control.log_queries import DeliveryQuery, EventId


class DeliveryRoutes:
    """`/v1/deliveries`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._clock = desk.clock
        self._deliveries = Deliveries(desk.store)

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])
        router.get("", summary="List deliveries")(self.list)
        router.get("/{delivery_id}", summary="Show a delivery")(self.show)
        return router

    def list(self, caller: CallerOf, query: Annotated[DeliveryQuery, Query()]) -> DeliveryPage:
        """List deliveries, newest first, in their states now; go on while there is a cursor."""
        found, cursor = self._deliveries.page(
            query.chosen(caller), query.page(), state=query.state, now=self._clock.now()
        )
        return DeliveryPage(
            items=[DeliveryAnswer.model_validate(delivery_answer(one)) for one in found],
            next_cursor=cursor and write_cursor(cursor),
        )

    def show(
        self,
        caller: CallerOf,
        delivery_id: str,
        event_id: Annotated[EventId, Query(description="Its event: needed of an old one.")] = None,
    ) -> DeliveryAnswer:
        """Show a delivery; one never attempted is found by its event, or among the newest."""
        found = self._deliveries.one(
            delivery_id,
            event_id=event_id,
            chosen=ReceiptFilter(tenant=caller.tenant, endpoint_id=caller.endpoint_id),
            now=self._clock.now(),
        )
        endpoint_id = found.obligation.endpoint_id
        what = f"delivery {delivery_id}"
        caller.require(found.receipt["tenant"], what, endpoint_id=endpoint_id)
        return DeliveryAnswer.model_validate(delivery_answer(found))
