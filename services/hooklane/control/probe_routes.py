"""`/v1/endpoints/{endpoint_id}/probe`: send an example past the queue, and answer what it met."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from hooklane.adapters.log_store import AttemptFilter, PageRequest
from hooklane.control.access import CallerOf
from hooklane.control.answers import attempt_answer
from hooklane.control.desk import ACCEPTED, Desk
from hooklane.control.log_answers import AttemptAnswer
from hooklane.control.release_routes import sendable
from hooklane.domain.delivery import Trigger
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.ids import delivery_id, event_id_by_metadata, new_command_id

SOURCE = "hooklane.probe"
# Beyond the endpoint's own timeout: the command's way there, the tick, and the recorder.
WAY = timedelta(seconds=2)
LOOK_S = 0.1
# Answers that wait hold a thread each; one more is answered at once, without the attempt.
WAITING_MAX = 8
EXAMPLE: dict[str, Any] = {
    "command_id": "cmd_abcdefghijklmnopqrstuvwxyz",
    "event_id": "evt_abcdefghijklmnopqrstuvwxyz",
    "delivery_id": "dlv_abcdefghijklmnopqrstuvwxyz",
    "type": "order.created",
    "version": 2,
    "attempt": None,
}
LATER: dict[int | str, dict[str, Any]] = {
    202: {"description": "Its attempt did not come in time: look for its event_id later."}
}


class ProbeDraft(BaseModel):
    """What to send an example of."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"type": "order.created"}]}
    )

    type: str | None = Field(
        None, description="An event type that the endpoint subscribes to; by default the first."
    )


class ProbeAnswer(BaseModel):
    """A probe, and its attempt once that is recorded."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    command_id: str
    event_id: str = Field(description="What it is sent under as webhook-id.")
    delivery_id: str
    type: str
    version: int
    attempt: AttemptAnswer | None = Field(description="Null where it has not come.")


class ProbeRoutes:
    """`/v1/endpoints/{endpoint_id}/probe`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk
        self._waiting = threading.BoundedSemaphore(WAITING_MAX)

    def router(self) -> APIRouter:
        """Give the route."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
        router.post(
            "/{endpoint_id}/probe", responses=LATER, summary="Send an example past the queue"
        )(self.probe)
        return router

    def probe(
        self,
        endpoint_id: str,
        caller: CallerOf,
        *,
        response: Response,
        draft: ProbeDraft | None = None,
    ) -> ProbeAnswer:
        """Send an example event, marked `X-Webhook-Probe: true`; nothing follows from it."""
        endpoint = sendable(self._desk, endpoint_id, caller=caller)
        answer = self._order(endpoint, None if draft is None else draft.type)
        answer.attempt = self._wait(answer, min(endpoint.timeout + WAY, self._desk.probe_wait))
        if answer.attempt is None:
            response.status_code = ACCEPTED
        return answer

    def _order(self, endpoint: Endpoint, wanted: str | None) -> ProbeAnswer:
        desk, endpoint_id = self._desk, endpoint.endpoint_id
        event_id = event_id_by_metadata(
            tenant=endpoint.tenant,
            event_type=Trigger.PROBE.value,
            source=SOURCE,
            id_in_source=new_command_id(),
        )
        made = desk.known_types.example(
            endpoint.subscription, wanted, event_id=event_id, now=desk.clock.now()
        )
        command_id = desk.order(
            "probe",
            endpoint_id=endpoint_id,
            tenant=endpoint.tenant,
            event_id=event_id,
            type=made.event_type,
            version=made.version,
            content_type=made.content_type,
            payload=made.payload,
        )
        return ProbeAnswer(
            command_id=command_id,
            event_id=event_id,
            delivery_id=delivery_id(
                event_id=event_id,
                endpoint_id=endpoint_id,
                trigger=Trigger.PROBE.value,
                command_id=command_id,
            ),
            type=made.event_type,
            version=made.version,
            attempt=None,
        )

    def _wait(self, asked: ProbeAnswer, span: timedelta) -> AttemptAnswer | None:
        if not self._waiting.acquire(blocking=False):
            return None
        try:
            return self._look(asked.delivery_id, span)
        finally:
            self._waiting.release()

    def _look(self, delivery: str, span: timedelta) -> AttemptAnswer | None:
        """Look for the attempt in the log until it is there or the time is over."""
        clock = self._desk.clock
        deadline = clock.monotonic() + span.total_seconds()
        while True:
            chosen = AttemptFilter(delivery_id=delivery)
            for row in self._desk.store.attempts(chosen, PageRequest(limit=1)):
                return AttemptAnswer.model_validate(attempt_answer(row))
            if clock.monotonic() >= deadline:
                return None
            clock.sleep(LOOK_S)
