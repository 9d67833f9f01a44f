"""Sends a probe at once, past what waits in its lane, and records what it met: nothing follows.

On the loop's side, beside `sending`: the same plans, signatures and sender. A probe is an open POST
of its lane, so that letting the lane go waits for it or cuts it; but no offset is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.http.port import Answer, Request, Sender
from hooklane.adapters.ports import Clock
from hooklane.deliverer.lane import Flight, Lane
from hooklane.deliverer.load import Load
from hooklane.deliverer.plan import CannotSend, Plans, batch_request, request
from hooklane.deliverer.settling import Settled, attempt_value
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import Trigger
from hooklane.domain.ids import delivery_id

HEADER = b"X-Webhook-Probe: true\r\n"
# Why nothing follows where a probe met no success.
REASON = "probe"


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe that is over; no offset of its lane is finished by it."""

    settled: Settled


@dataclass(frozen=True, slots=True)
class NoRecord:
    """Stands where a delivery's record would: no lane holds a probe."""

    number: int

    def topic(self) -> str:
        """None."""
        return ""

    def partition(self) -> int:
        """None."""
        return -1

    def offset(self) -> int:
        """One that no record has."""
        return -self.number

    def key(self) -> bytes | None:
        """None."""
        return None

    def value(self) -> bytes | None:
        """None."""
        return None

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """None."""
        return None

    def timestamp(self) -> tuple[int, int]:
        """None."""
        return 0, 0


@dataclass(slots=True, kw_only=True)
class Probing:
    """The probes of one deliverer.

    `out` takes what is over to the poll thread, `pump` lets a lane go on, `fail` takes a bug's
    exception there.
    """

    sender: Sender
    plans: Plans
    load: Load
    clock: Clock
    connect_timeout_ms: int
    out: Callable[[Probed], None]
    pump: Callable[[Lane], None]
    fail: Callable[[Exception], None]
    _number: int = 0

    def send(self, lane: Lane, command: Value) -> None:
        """Send a probe, unless its lane was let go or its endpoint is disabled or deleted."""
        plan = self.plans.plan(command["endpoint_id"], table_offset=0)
        if lane.closed or plan is None or plan.verdict is not None:
            return
        self._number += 1
        delivery, headers = delivery_of(command), {"attempts-made": 0}
        flight = Flight(lane, NoRecord(self._number), delivery, headers, plan)
        flight.started_ms = self.clock.now_ms()
        try:
            made = self._request(flight)
        except CannotSend as error:
            self._settle(flight, error.answer())
            return
        made.headers += HEADER
        flight.request = made
        lane.flights[flight.record.offset()] = flight
        self.load.begun(len(made.body))
        self.sender.submit(made, self._answered)

    def _request(self, flight: Flight) -> Request:
        """Build its request: a batch of one where its endpoint gets batches."""
        plan, delivery, now_ms = flight.plan, flight.delivery, flight.started_ms
        limit = self.connect_timeout_ms
        if plan.batches:
            return batch_request(
                plan, (delivery,), now_ms=now_ms, connect_timeout_ms=limit, context=flight
            )
        return request(plan, delivery, now_ms=now_ms, connect_timeout_ms=limit, context=flight)

    def _answered(self, sent: Request, answer: Answer) -> None:
        flight = sent.context
        assert isinstance(flight, Flight)
        lane = flight.lane
        try:
            self.load.ended(len(sent.body))
            self._settle(flight, answer)
            # After it is handed over, as with any other.
            del lane.flights[flight.record.offset()]
            self.pump(lane)
        except Exception as error:  # a bug of ours: the poll thread raises it
            self.fail(error)

    def _settle(self, flight: Flight, answer: Answer) -> None:
        settled = settled_probe(flight, answer, now_ms=self.clock.now_ms())
        self.load.settled(settled.size)
        self.out(Probed(settled))


def delivery_of(command: Value) -> Value:
    """Give the delivery that a Probe command stands for."""
    event_id, endpoint_id = command["event_id"], command["endpoint_id"]
    return {
        "delivery_id": delivery_id(
            event_id=event_id,
            endpoint_id=endpoint_id,
            trigger=Trigger.PROBE.value,
            command_id=command["command_id"],
        ),
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "tenant": command["tenant"],
        "type": command["type"],
        "version": command["version"],
        "trigger": Trigger.PROBE.value,
        "content_type": command["content_type"],
        "payload": command["payload"] or b"",
    }


def settled_probe(flight: Flight, answer: Answer, *, now_ms: int) -> Settled:
    """Settle a probe: its Attempt, and nothing else whatever it met."""
    value = attempt_value(flight, answer)
    if answer.outcome is not Outcome.SUCCEEDED:
        value |= {"verdict": "cancelled", "reason": REASON}
    return Settled(
        lane=flight.lane,
        offset=flight.record.offset(),
        key=value["delivery_id"].encode(),
        attempt=codec("attempt").encode(value),
        outcome=answer.outcome,
        verdict=value["verdict"],
        seconds=(now_ms - flight.started_ms) / 1_000,
        reason=value["reason"],
    )
