"""Gathers what is recorded of one event and one endpoint, and says what follows from it.

Reads receipts, revisions, attempts and dead letters; writes nothing. Promises: what a caller may
not see is as if it were not there; what is not recorded is called so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hooklane.adapters.log_store import (
    AttemptFilter,
    LogStore,
    PageRequest,
    ReceiptFilter,
    Row,
)
from hooklane.adapters.store import KeptEndpoint, RevisionStore
from hooklane.control.access import Caller
from hooklane.domain import explanation as domain
from hooklane.domain.delivery import Trigger, from_ms
from hooklane.domain.delivery_state import DeadLetterMark, LastAttempt, Standing, newest, standing
from hooklane.domain.explanation import Explanation, Finding, Known, KnownRevision, Seen, Why
from hooklane.domain.ids import delivery_id

RECEIPTS_MAX = 500
ATTEMPTS_MAX = 500
REVISIONS_MAX = 500
# One an event, or its parts; a producer that wrote it twice makes two.
_EVENT_RECEIPTS_MAX = 200
_REJECTED_MAX = 500


class ExplainStore(LogStore, RevisionStore, Protocol):
    """What is asked of SQL."""

    def endpoint(self, endpoint_id: str) -> KeptEndpoint:
        """Give an endpoint, also a deleted one.

        Raises:
            NotFound: there is none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFound:
    """A delivery of the event to the endpoint, with its attempts, oldest first."""

    delivery_id: str
    trigger: str
    command_id: str
    since: datetime | None
    attempts: Sequence[Row]
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An explanation, and the facts that it follows from."""

    explanation: Explanation
    endpoint: KeptEndpoint
    receipt: Row | None
    in_force: KnownRevision | None
    deliveries: Sequence[DeliveryFound]


class Explaining:
    """Explains; `rejected` lists the newest rejected events."""

    def __init__(
        self,
        store: ExplainStore,
        *,
        rejected: Callable[[int], list[Row]],
        now: Callable[[], datetime],
    ) -> None:
        """Keep where facts come from."""
        self._store, self._rejected, self._now = store, rejected, now

    def explain(self, event_id: str, endpoint_id: str, *, caller: Caller) -> Told:
        """Say why the endpoint got the event or not, and where its deliveries are.

        Args:
            event_id: `evt_…`, or the source position of a rejected one, `topic/partition/offset`.
            endpoint_id: `ep_…`.
            caller: who asks.

        Raises:
            NotFound: there is no such endpoint, or it is another tenant's.
            Forbidden: positions are for the deployment's own keys.
        """
        kept = self._store.endpoint(endpoint_id)
        caller.require(kept.endpoint.tenant, f"endpoint {endpoint_id!r}")
        if "/" in event_id:
            caller.require_admin()
            return self._at_position(event_id, kept)
        tenant = caller.scope(None)
        firsts = self._receipts(
            ReceiptFilter(event_id=event_id, tenant=tenant, events_only=True, parts=True),
            limit=_EVENT_RECEIPTS_MAX,
        )
        listing = self._receipts(
            ReceiptFilter(event_id=event_id, tenant=tenant, endpoint_id=endpoint_id),
            limit=RECEIPTS_MAX,
        )
        receipt = _first(_of_its_turn(firsts, endpoint_id), listing)
        in_force = None
        if receipt is not None:
            in_force = self._store.revision_at(endpoint_id, receipt["table_offset"])
        deliveries = self._deliveries(event_id, kept, listing)
        found = domain.explain(
            None if receipt is None else _seen(receipt, endpoint_id),
            Known(
                tenant=kept.endpoint.tenant,
                in_force=in_force,
                oldest=self._store.first_revision(endpoint_id),
                later=self._store.revisions_above(
                    endpoint_id,
                    revision=0 if in_force is None else in_force.revision,
                    limit=REVISIONS_MAX,
                ),
            ),
        )
        return Told(
            explanation=_with_later(found, deliveries),
            endpoint=kept,
            receipt=receipt,
            in_force=in_force,
            deliveries=deliveries,
        )

    def _receipts(self, chosen: ReceiptFilter, *, limit: int) -> list[Row]:
        return self._store.receipts(chosen, PageRequest(limit=limit))

    def _at_position(self, position: str, kept: KeptEndpoint) -> Told:
        rows = [row for row in self._rejected(_REJECTED_MAX) if row["source"] == position]
        if rows:
            found = domain.rejected(position, f"{rows[0]['reason']}: {rows[0]['error']}")
        else:
            found = domain.explain(None, Known(tenant=kept.endpoint.tenant))
        return Told(explanation=found, endpoint=kept, receipt=None, in_force=None, deliveries=())

    def _deliveries(
        self, event_id: str, kept: KeptEndpoint, listing: Iterable[Row]
    ) -> list[DeliveryFound]:
        endpoint = kept.endpoint
        chosen = AttemptFilter(
            tenant=endpoint.tenant, event_id=event_id, endpoint_id=endpoint.endpoint_id
        )
        attempts = self._store.attempts(chosen, PageRequest(limit=ATTEMPTS_MAX))[::-1]
        asked = _asked(event_id, endpoint.endpoint_id, listing)
        for attempt in attempts:
            # A probe has no receipt, and of an old delivery it may be gone.
            asked.setdefault(attempt["delivery_id"], (attempt["trigger"], "", None))
        marks = {
            row["delivery_id"]: _mark(row) for row in self._store.dead_letter_marks(list(asked))
        }
        found = []
        for one, (trigger, command_id, since) in asked.items():
            own = [attempt for attempt in attempts if attempt["delivery_id"] == one]
            found.append(
                DeliveryFound(
                    delivery_id=one,
                    trigger=trigger,
                    command_id=command_id,
                    since=since,
                    attempts=own,
                    standing=standing(
                        newest(_last(attempt) for attempt in own),
                        marks.get(one),
                        endpoint_state=endpoint.state,
                        now=self._now(),
                    ),
                )
            )
        return found


def _of_its_turn(firsts: Sequence[Row], endpoint_id: str) -> Sequence[Row]:
    """Leave, of an event's parts, the one in which it was the endpoint's turn, listed or not."""
    if not any(row["part"] for row in firsts):
        return firsts
    in_order = sorted(firsts, key=lambda row: int(row["part"]))
    for row in in_order:
        listed = [*row["matched"], *(one["endpoint_id"] for one in row["refused"])]
        if max(listed, default="") >= endpoint_id:
            return [row]
    return in_order[-1:]


def _first(firsts: Sequence[Row], listing: Sequence[Row]) -> Row | None:
    # What was matched at first, from the receipt that says so; else the oldest that lists it.
    listed = [row for row in listing if row["trigger"] == Trigger.EVENT.value]
    chosen = listed or firsts or listing
    return chosen[-1] if chosen else None


def _seen(receipt: Row, endpoint_id: str) -> Seen:
    refusals = {one["endpoint_id"]: one["reason"] for one in receipt["refused"]}
    return Seen(
        tenant=receipt["tenant"],
        event_type=receipt["type"],
        event_time=from_ms(receipt["event_time"]),
        table_offset=receipt["table_offset"],
        matched=endpoint_id in receipt["matched"],
        refusal=refusals.get(endpoint_id),
    )


Asked = dict[str, tuple[str, str, datetime | None]]


def _asked(event_id: str, endpoint_id: str, listing: Iterable[Row]) -> Asked:
    found: Asked = {}
    for row in sorted(listing, key=lambda row: int(row["received_at"])):
        trigger = row["trigger"]
        # A redrive's receipt names its command, but the delivery is the one that died.
        command_id = "" if trigger == Trigger.EVENT.value else row["command_id"]
        made = delivery_id(
            event_id=event_id, endpoint_id=endpoint_id, trigger=trigger, command_id=command_id
        )
        found.setdefault(made, (trigger, row["command_id"], from_ms(row["received_at"])))
    return found


def _with_later(found: Explanation, deliveries: Sequence[DeliveryFound]) -> Explanation:
    if found.finding is Finding.MATCHED or found.why is Why.OTHER_TENANT:
        return found
    triggers = [delivery.trigger for delivery in deliveries]
    if found.why is Why.NO_RECEIPT and triggers:
        return domain.attempted(triggers[0])
    again = [trigger for trigger in triggers if trigger in _AGAIN]
    return domain.asked_again(again[0], found) if again else found


_AGAIN = {Trigger.RESEND.value, Trigger.REPLAY.value}


def _last(row: Mapping[str, object]) -> LastAttempt:
    tier_s, due_at = row["tier_s"], row["due_at"]
    return LastAttempt(
        started_at=_instant(row["started_at"]),
        number=int(str(row["number"])),
        verdict=str(row["verdict"]),
        tier=timedelta(seconds=tier_s) if isinstance(tier_s, int) else None,
        due_at=None if due_at is None else _instant(due_at),
        reason=str(row["reason"]),
    )


def _mark(row: Row) -> DeadLetterMark:
    redriven_at = row["redriven_at"]
    return DeadLetterMark(
        died_at=from_ms(row["died_at"]),
        reason=row["reason"],
        redriven_at=None if redriven_at is None else from_ms(redriven_at),
    )


def _instant(milliseconds: object) -> datetime:
    assert isinstance(milliseconds, int)
    return from_ms(milliseconds)
