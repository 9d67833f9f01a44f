"""Routes of events: what was matched, with its payload and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query

from hooklane.adapters.log_store import Row
from hooklane.control.access import CallerOf
from hooklane.control.answers import write_cursor
from hooklane.control.deliveries import RECEIPTS_OF_EVENT_MAX, Deliveries
from hooklane.control.desk import Desk
from hooklane.control.log_answers import (
    EventAnswer,
    EventDetail,
    EventPage,
    event_answer,
    event_detail,
)
from hooklane.control.log_queries import EventQuery
from hooklane.domain.errors import NotFound

# A class below has a method of the name `list`.
Rows = list[Row]


class EventRoutes:
    """`/v1/events`, to be read."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk
        self._deliveries = Deliveries(desk.store)

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1/events", tags=["events"])
        router.get("", summary="List events")(self.list)
        router.get("/{event_id}", summary="Show an event")(self.show)
        return router

    def list(self, caller: CallerOf, query: Annotated[EventQuery, Query()]) -> EventPage:
        """List events that were matched, newest first; `q` is text in their payloads."""
        rows = self._desk.store.receipts(query.chosen(caller), query.page())
        last = rows[-1] if len(rows) == query.limit else None
        return EventPage(
            items=[EventAnswer.model_validate(event_answer(row)) for row in rows],
            next_cursor=last and write_cursor((last["received_at"], last["receipt_id"])),
        )

    def show(self, caller: CallerOf, event_id: str) -> EventDetail:
        """Show an event: its payload and source, who gets it, and how its deliveries stand."""
        receipts = self._desk.store.receipts_of(event_id, limit=RECEIPTS_OF_EVENT_MAX)
        if caller.endpoint_id is not None:
            receipts = narrowed(receipts, caller.endpoint_id)
        if not receipts:
            raise NotFound(f"no event {event_id}")
        caller.require(receipts[0]["tenant"], f"event {event_id}", endpoint_id=caller.endpoint_id)
        counts = self._deliveries.counts(receipts, now=self._desk.clock.now())
        return EventDetail.model_validate(event_detail(receipts, counts))


def narrowed(receipts: Iterable[Row], endpoint_id: str) -> Rows:
    """Give what the receipts say of one endpoint, those that say something."""
    own = []
    for receipt in receipts:
        matched = [one for one in receipt["matched"] if one == endpoint_id]
        refused = [one for one in receipt["refused"] if one["endpoint_id"] == endpoint_id]
        if matched or refused:
            own.append(receipt | {"matched": matched, "refused": refused})
    return own
