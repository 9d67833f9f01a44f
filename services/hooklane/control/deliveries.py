"""Deliveries, derived from receipts: in pages, one, and counted.

Reads the log's store, writes nothing. A page walks receipts from its cursor on and ends at its
limit or after `RECEIPTS_READ_MAX` of them, whichever is first: it may be short, even empty, and
goes on at `next_cursor` all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from hooklane.adapters.log_store import Cursor, LogStore, PageRequest, ReceiptFilter, Row
from hooklane.domain.delivery import EPOCH, from_ms
from hooklane.domain.delivery_state import (
    DeadLetterMark,
    DeliveryState,
    LastAttempt,
    Obligation,
    Standing,
    obligations,
    standing,
)
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import Invalid, NotFound

RECEIPTS_A_READ = 200
RECEIPTS_READ_MAX = 4_000
# Those of one event that are counted, and those looked through for an id alone.
RECEIPTS_OF_EVENT_MAX = 1_000
OBLIGATIONS_A_READ = 500
# 9999-12-31, the last day that can be shown.
MILLISECONDS_MAX = 253_402_300_799_999
# Clocks that differ by more than seconds stop a process; an attempt never is so much earlier.
_CLOCKS = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A delivery, the receipt (or the row that stands for one) it follows from, and its state."""

    obligation: Obligation
    receipt: Row
    standing: Standing
    last_attempt: Row | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    obligation: Obligation
    receipt: Row
    place: int

    @property
    def cursor(self) -> Cursor:
        return self.receipt["received_at"], f"{self.receipt['receipt_id']}#{self.place}"


class _Walk:
    """Receipts from a cursor on, as candidates; `rest` is where it stopped short of their end."""

    def __init__(self, store: LogStore, chosen: ReceiptFilter, *, after: Cursor | None) -> None:
        self._store, self._chosen = store, chosen
        self._after, self._first, self._place = _opened(after)
        self.rest: Cursor | None = None

    def candidates(self) -> Iterator[_Candidate]:
        """Give each delivery of each receipt."""
        page = PageRequest(limit=RECEIPTS_A_READ, after=self._after, inclusive=True)
        for _ in range(RECEIPTS_READ_MAX // RECEIPTS_A_READ):
            rows = self._store.receipts(self._chosen, page)
            for row in rows:
                yield from self._of(row)
            if len(rows) < RECEIPTS_A_READ:
                self.rest = None
                return
            last = rows[-1]
            after = (last["received_at"], last["receipt_id"])
            page = PageRequest(limit=RECEIPTS_A_READ, after=after)
            self.rest = (after[0], f"{after[1]}#{last['matched_count']}")

    def _of(self, receipt: Row) -> Iterator[_Candidate]:
        passed = self._place if receipt["receipt_id"] == self._first else -1
        for candidate in _candidates(receipt):
            wanted = self._chosen.endpoint_id in (None, candidate.obligation.endpoint_id)
            if candidate.place > passed and wanted:
                yield candidate


class Deliveries:
    """What control knows of deliveries."""

    def __init__(self, store: LogStore) -> None:
        """Keep the store."""
        self._store = store

    def page(
        self,
        chosen: ReceiptFilter,
        page: PageRequest,
        *,
        state: DeliveryState | None,
        now: datetime,
    ) -> tuple[list[Found], Cursor | None]:
        """List deliveries, newest receipt first, and where the list goes on."""
        walk = _Walk(self._store, chosen, after=page.after)
        candidates = walk.candidates()
        shown: list[Found] = []
        size = page.limit if state is None else OBLIGATIONS_A_READ
        while batch := list(islice(candidates, size)):
            for candidate, found in zip(batch, self.tell(batch, now=now), strict=True):
                if state in (None, found.standing.state):
                    shown.append(found)
                if len(shown) == page.limit:
                    return shown, candidate.cursor
        return shown, walk.rest

    def one(
        self, delivery_id: str, *, event_id: str | None, chosen: ReceiptFilter, now: datetime
    ) -> Found:
        """Give a delivery by its id.

        Args:
            delivery_id: it is a hash, so its event is known only from what was recorded of it.
            event_id: its event, for one without an attempt and older than the newest receipts.
            chosen: whose receipts to look through.
            now: what past due means.

        Raises:
            NotFound: nothing recorded is of this delivery.
        """
        traces = self._store.last_attempts([delivery_id], since=EPOCH)
        traces = traces or self._store.dead_letter_marks([delivery_id])
        trace = traces[0] if traces else None
        if trace is not None:
            event_id = trace["event_id"]
        candidates = (
            self._of_event(event_id)
            if event_id
            else _Walk(self._store, chosen, after=None).candidates()
        )
        for candidate in candidates:
            if candidate.obligation.delivery_id == delivery_id:
                return self.tell([candidate], now=now)[0]
        if trace is None:
            raise NotFound(f"no delivery {delivery_id}; of an old one name its event_id too")
        return self.tell([_traced(delivery_id, trace)], now=now)[0]

    def counts(self, receipts: Sequence[Row], *, now: datetime) -> dict[str, int]:
        """Count an event's deliveries by state."""
        known = {c.obligation.delivery_id: c for row in receipts for c in _candidates(row)}
        candidates, found = iter(known.values()), Counter[str]()
        while batch := list(islice(candidates, OBLIGATIONS_A_READ)):
            found.update(one.standing.state.value for one in self.tell(batch, now=now))
        return dict(found)

    def tell(self, candidates: Sequence[_Candidate], *, now: datetime) -> list[Found]:
        """Give the state of each, by three reads."""
        ids = [candidate.obligation.delivery_id for candidate in candidates]
        since = min(_time(candidate.receipt["received_at"]) for candidate in candidates)
        earliest = max(since, EPOCH + _CLOCKS) - _CLOCKS
        attempts = _by_delivery(self._store.last_attempts(ids, since=earliest))
        marks = _by_delivery(self._store.dead_letter_marks(ids))
        states = self._store.endpoint_states({c.obligation.endpoint_id for c in candidates})
        return [
            Found(
                obligation=candidate.obligation,
                receipt=candidate.receipt,
                standing=standing(
                    _attempt(attempts.get(candidate.obligation.delivery_id)),
                    _mark(marks.get(candidate.obligation.delivery_id)),
                    endpoint_state=_state(states.get(candidate.obligation.endpoint_id)),
                    now=now,
                ),
                last_attempt=attempts.get(candidate.obligation.delivery_id),
            )
            for candidate in candidates
        ]

    def _of_event(self, event_id: str) -> Iterator[_Candidate]:
        for row in self._store.receipts_of(event_id, limit=RECEIPTS_OF_EVENT_MAX):
            yield from _candidates(row)


def _candidates(receipt: Row) -> Iterator[_Candidate]:
    found = obligations(
        receipt["matched"],
        event_id=receipt["event_id"],
        trigger=receipt["trigger"],
        command_id=receipt["command_id"],
    )
    for place, obligation in enumerate(found):
        yield _Candidate(obligation=obligation, receipt=receipt, place=place)


def _traced(delivery_id: str, trace: Row) -> _Candidate:
    # Its receipt is past retention, or it never had one, as a probe.
    obligation = Obligation(delivery_id=delivery_id, endpoint_id=trace["endpoint_id"])
    known = {"command_id": "", "received_at": 0, "receipt_id": ""}
    return _Candidate(obligation=obligation, receipt=trace | known, place=0)


def _opened(after: Cursor | None) -> tuple[Cursor | None, str, int]:
    if after is None:
        return None, "", -1
    receipt_id, _, place = after[1].rpartition("#")
    if not receipt_id or not place.isdecimal():
        raise Invalid("cursor: is not one that a list of deliveries gave")
    return (after[0], receipt_id), receipt_id, int(place)


def _by_delivery(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["delivery_id"]: row for row in rows}


def _attempt(row: Row | None) -> LastAttempt | None:
    if row is None:
        return None
    tier_s, due_at = row["tier_s"], row["due_at"]
    return LastAttempt(
        started_at=_time(row["started_at"]),
        number=row["number"],
        verdict=row["verdict"],
        tier=None if tier_s is None else timedelta(seconds=tier_s),
        due_at=None if due_at is None else _time(due_at),
        reason=row["reason"],
    )


def _mark(row: Row | None) -> DeadLetterMark | None:
    if row is None:
        return None
    redriven_at = row["redriven_at"]
    return DeadLetterMark(
        died_at=_time(row["died_at"]),
        reason=row["reason"],
        redriven_at=None if redriven_at is None else _time(redriven_at),
    )


def _state(text: str | None) -> EndpointState | None:
    return None if text is None else EndpointState(text)


def _time(milliseconds: int) -> datetime:
    return from_ms(min(max(milliseconds, 0), MILLISECONDS_MAX))
