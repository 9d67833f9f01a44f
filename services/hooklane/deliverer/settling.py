"""What a settled delivery leaves behind: its Attempt, the copy its verdict asks for, a log line.

Pure: it says which records are to be written; the next tick writes them with the lane's offset.
The copies carry the very bytes of the lane's record; only headers change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, assert_never

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.http.port import Answer
from hooklane.adapters.ports import Record
from hooklane.adapters.records import attempt_without_request
from hooklane.adapters.rejected import position_key
from hooklane.deliverer.attempt_bytes import delivered_bytes
from hooklane.deliverer.lane import Flight, Lane
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import Headers, Progress, from_ms, progress_of, to_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.ids import new_attempt_id, new_command_id
from hooklane.domain.topics import Topics
from hooklane.domain.verdict import Cancelled, Dead, Delivered, Judgement, RetryAt

_attempts = codec("attempt")
_commands = codec("command")


class Write(NamedTuple):
    """One record of a tick."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers | None = None
    # None: by its key.
    partition: int | None = None


@dataclass(slots=True, eq=False)
class Settled:
    """A delivery that is finished in its lane once this is committed; or parked, where so said."""

    lane: Lane
    offset: int
    key: bytes
    # Empty for a record that could not be read.
    attempt: bytes
    outcome: Outcome
    verdict: str
    # How long the attempt took, and how long since the delivery entered the lane; None: no request.
    seconds: float | None = None
    end_to_end_s: float | None = None
    reason: str = ""
    copies: tuple[Write, ...] = ()
    rejected: tuple[Record, BrokenContract] | None = None
    line: dict[str, Any] | None = None
    # It failed and stays in its lane, its key waiting behind it: how far it has come.
    parked: Progress | None = None

    @property
    def is_burial(self) -> bool:
        """Tell whether it died after an attempt."""
        return self.verdict == "dead" and self.seconds is not None

    @property
    def size(self) -> int:
        """About how many bytes it keeps until it is committed."""
        if not self.copies:
            return 300 + len(self.attempt)
        return 300 + len(self.attempt) + sum(len(copy.value or b"") for copy in self.copies)


def attempt_value(flight: Flight, answer: Answer) -> Value:
    """Give the Attempt of an answered delivery, its verdict Delivered until said otherwise."""
    delivery, timings = flight.delivery, answer.timings_ms
    return {
        "attempt_id": new_attempt_id(),
        "delivery_id": delivery["delivery_id"],
        "event_id": delivery["event_id"],
        "endpoint_id": delivery["endpoint_id"],
        "tenant": delivery["tenant"],
        "type": delivery["type"],
        "number": flight.number,
        "started_at": flight.started_ms,
        "timings": {
            "dns_ms": timings.dns,
            "connect_ms": timings.connect,
            "tls_ms": timings.tls,
            "first_byte_ms": timings.first_byte,
            "total_ms": timings.total,
        },
        "outcome": answer.outcome.value,
        "status": answer.status,
        "error": answer.error,
        "response_headers": [{"name": name, "value": value} for name, value in answer.headers],
        "response_body": answer.body,
        "verdict": "delivered",
        "tier_s": None,
        "due_at": None,
        "reason": "",
        "version": delivery["version"],
        "trigger": delivery["trigger"],
    }


def delivered(flight: Flight, answer: Answer, *, now_ms: int) -> Settled:
    """Settle a delivery whose receiver has it: the usual case, kept short."""
    return Settled(
        flight.lane,
        flight.record.offset(),
        flight.delivery["delivery_id"].encode(),
        delivered_bytes(flight, answer),
        Outcome.SUCCEEDED,
        "delivered",
        (now_ms - flight.started_ms) / 1_000,
        max(0, now_ms - flight.record.timestamp()[1]) / 1_000,
    )


def judged(
    flight: Flight, answer: Answer, *, judgement: Judgement, now: datetime, topics: Topics
) -> Settled:
    """Settle a delivery by the verdict on its answer."""
    key = flight.delivery["delivery_id"].encode()
    value, now_ms = attempt_value(flight, answer), to_ms(now)
    progress = progress_of(flight.record.headers()).attempted(
        at=from_ms(flight.started_ms), outcome=answer.outcome.value
    )
    copies: tuple[Write, ...]
    parked: Progress | None = None
    match judgement.verdict:
        case Delivered():
            return delivered(flight, answer, now_ms=now_ms)
        case RetryAt(tier=tier, due_at=due_at):
            # Up to the next whole millisecond: rounded down it would be early.
            due_ms = to_ms(due_at) + (1 if due_at.microsecond % 1_000 else 0)
            wait = progress.waiting_on if judgement.spares else progress.waiting
            waiting = wait(until=from_ms(due_ms))
            value |= {"verdict": "retry", "due_at": due_ms}
            if flight.parks:
                copies, parked = (), waiting
            else:
                headers = waiting.headers()
                copies = (Write(topics.retry(tier), key, flight.record.value(), headers),)
                value["tier_s"] = int(tier.total_seconds())
        case Dead(reason=reason):
            headers = progress.died(reason.value).headers()
            copies = (Write(topics.dead_letters, key, flight.record.value(), headers),)
            value |= {"verdict": "dead", "reason": reason.value}
        case Cancelled(reason=reason):
            copies = ()
            value |= {"verdict": "cancelled", "reason": reason.value}
        case _:  # pragma: no cover  the type checker holds the list complete
            assert_never(judgement.verdict)
    return Settled(
        lane=flight.lane,
        offset=flight.record.offset(),
        key=key,
        attempt=_attempts.encode(value),
        outcome=answer.outcome,
        verdict=value["verdict"],
        seconds=(now_ms - flight.started_ms) / 1_000,
        reason=value["reason"],
        copies=copies,
        line=_line(value, duration_ms=now_ms - flight.started_ms),
        parked=parked,
    )


def without_request(
    flight: Flight, verdict: Dead | Cancelled, *, now: datetime, topics: Topics
) -> Settled:
    """Settle a delivery that is not POSTed: expired, its endpoint disabled or deleted."""
    kind = "dead" if isinstance(verdict, Dead) else "cancelled"
    value = attempt_without_request(
        flight.delivery,
        attempt_id=new_attempt_id(),
        at=now,
        verdict=kind,
        reason=verdict.reason.value,
    )
    key = flight.delivery["delivery_id"].encode()
    copies: tuple[Write, ...] = ()
    if isinstance(verdict, Dead):
        headers = progress_of(flight.record.headers()).died(verdict.reason.value).headers()
        copies = (Write(topics.dead_letters, key, flight.record.value(), headers),)
    return Settled(
        lane=flight.lane,
        offset=flight.record.offset(),
        key=key,
        attempt=_attempts.encode(value),
        outcome=Outcome.NONE,
        verdict=kind,
        reason=verdict.reason.value,
        copies=copies,
        line=_line(value, duration_ms=0),
    )


def unreadable(lane: Lane, record: Record, *, error: BrokenContract) -> Settled:
    """Pass a record that is no delivery: it is set aside raw, the error in headers."""
    place = position_key(record)
    return Settled(
        lane=lane,
        offset=record.offset(),
        key=place,
        attempt=b"",
        outcome=Outcome.NONE,
        verdict="rejected",
        rejected=(record, error),
        line={"record": place.decode(), "verdict": "rejected", "error": error.detail},
    )


def disable(flight: Flight, *, revision: int, now: datetime, topics: Topics) -> Write:
    """Ask control to disable an endpoint that says it is gone."""
    endpoint_id = flight.delivery["endpoint_id"]
    value = {
        "command_id": new_command_id(),
        "kind": "disable",
        "endpoint_id": endpoint_id,
        "tenant": flight.delivery["tenant"],
        "issued_at": to_ms(now),
        "revision": revision,
        "reason": "gone",
        "since": None,
        "count_max": 0,
        "delivery_ids": [],
        "positions": [],
    }
    return Write(topics.commands, endpoint_id.encode(), _commands.encode(value))


def _line(value: Value, *, duration_ms: int) -> dict[str, Any]:
    return {
        "tenant": value["tenant"],
        "event": value["event_id"],
        "endpoint": value["endpoint_id"],
        "delivery": value["delivery_id"],
        "attempt_number": value["number"],
        "outcome": value["outcome"],
        "verdict": value["verdict"],
        "duration_ms": duration_ms,
        "status": value["status"],
        "error": value["error"],
        "reason": value["reason"],
        "due_at": value["due_at"],
    }
