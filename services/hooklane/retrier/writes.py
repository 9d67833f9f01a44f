"""What a fate writes: always the same Delivery bytes, only the headers change."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.records import attempt_without_request
from hooklane.domain.delivery import Headers, to_ms
from hooklane.domain.ids import new_attempt_id
from hooklane.domain.topics import Topics
from hooklane.domain.verdict import Cancelled, Dead, Reason
from hooklane.retrier.fate import Copy, Hop
from hooklane.retrier.waiting import Waiting

_HOPS = "hops"
_NOT_BEFORE = "not-before"


class Write(NamedTuple):
    """One record to be written; the topic's partitioner places it where no partition is given."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers | None = None
    partition: int | None = None


def writes(
    waiting: Waiting, fate: Copy | Hop | Dead | Cancelled, *, topics: Topics, now: datetime
) -> list[Write]:
    """Give the records that a delivery's fate leaves behind."""
    delivery_id = str(waiting.delivery["delivery_id"]).encode()
    match fate:
        case Copy(placement=placement):
            # `not-before` stays: the deliverer looks at it again, on its own clock.
            headers = [header for header in waiting.headers if header[0] != _HOPS]
            if waiting.released:
                headers = [header for header in headers if header[0] != _NOT_BEFORE]
                headers.append((_NOT_BEFORE, b"%d" % to_ms(now)))
            key = waiting.delivery["key"]
            return [Write(placement.topic, key, waiting.value, headers, placement.partition)]
        case Hop(tier=tier):
            hops = (_HOPS, b"%d" % waiting.progress.hopped().hops)
            headers = [*(header for header in waiting.headers if header[0] != _HOPS), hops]
            return [Write(topics.retry(tier), delivery_id, waiting.value, headers)]
        case Dead(reason=reason):
            headers = waiting.progress.died(reason.value).headers()
            return [
                Write(topics.dead_letters, delivery_id, waiting.value, headers),
                _attempt(waiting.delivery, topics=topics, now=now, verdict="dead", reason=reason),
            ]
        case Cancelled(reason=reason):
            return [
                _attempt(
                    waiting.delivery, topics=topics, now=now, verdict="cancelled", reason=reason
                )
            ]
        case _:  # pragma: no cover  the type checker holds the list complete
            assert_never(fate)


def _attempt(
    delivery: Value, *, topics: Topics, now: datetime, verdict: str, reason: Reason
) -> Write:
    value = attempt_without_request(
        delivery, attempt_id=new_attempt_id(), at=now, verdict=verdict, reason=reason.value
    )
    key = str(delivery["delivery_id"]).encode()
    return Write(topics.attempts, key, codec("attempt").encode(value))
