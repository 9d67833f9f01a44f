"""A delivery: the obligation to bring one event to one endpoint.

Its record's value never changes from the first lane to the dead letters; what changes rides in
the record's headers, and `Progress` is those headers as a value.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hooklane.domain.errors import BrokenContract
from hooklane.domain.event import Event

Headers = list[tuple[str, bytes]]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# 9999-12-31, the last day datetime knows.
_MILLISECONDS_MAX = 253_402_300_799_999


def to_ms(at: datetime) -> int:
    """Give the instant as unix milliseconds, exact."""
    return (at - EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Give the instant of these unix milliseconds.

    Raises:
        BrokenContract: they are before 1970 or past the year 9999.
    """
    if not 0 <= milliseconds <= _MILLISECONDS_MAX:
        raise BrokenContract(f"{milliseconds} is not a time in unix milliseconds")
    return EPOCH + milliseconds * _MILLISECOND


class Trigger(enum.Enum):
    """Why a delivery exists."""

    EVENT = "event"
    RESEND = "resend"
    REPLAY = "replay"
    PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A Delivery record's value; `table_offset` is how far the matcher's endpoint table was."""

    delivery_id: str
    endpoint_id: str
    command_id: str
    event: Event
    trigger: Trigger
    table_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a delivery has come: the headers of its record.

    `attempts_made` is never reset; `schedule_step` is how many tiers of the schedule it has
    climbed, 0 again after a redrive; `hops` counts the tier writes of the present step (more than
    one only under a long Retry-After). `spared` is how often the exhaustion guard let it wait on.
    """

    waiting_since: datetime
    attempts_made: int = 0
    schedule_step: int = 0
    hops: int = 0
    spared: int = 0
    not_before: datetime | None = None
    first_attempt_at: datetime | None = None
    last_outcome: str = ""
    reason: str = ""

    def attempted(self, *, at: datetime, outcome: str) -> Progress:
        """Count one more attempt."""
        return replace(
            self,
            attempts_made=self.attempts_made + 1,
            first_attempt_at=self.first_attempt_at or at,
            last_outcome=outcome,
            not_before=None,
            hops=0,
        )

    def waiting(self, *, until: datetime) -> Progress:
        """Climb one step of the schedule and wait."""
        return replace(self, schedule_step=self.schedule_step + 1, not_before=until, hops=1)

    def waiting_on(self, *, until: datetime) -> Progress:
        """Wait in the last tier once more, spared by the exhaustion guard."""
        return replace(self, spared=self.spared + 1, not_before=until, hops=1)

    def hopped(self) -> Progress:
        """Wait on in another tier: same step, same due time."""
        return replace(self, hops=self.hops + 1)

    def died(self, reason: str) -> Progress:
        """Rest in the dead letters."""
        return replace(self, reason=reason, not_before=None)

    def redriven(self, *, at: datetime) -> Progress:
        """Start the schedule over; the attempts made stay counted."""
        return replace(
            self,
            schedule_step=0,
            hops=0,
            spared=0,
            not_before=None,
            waiting_since=at,
            reason="",
        )

    def headers(self) -> Headers:
        """Give the record headers of this progress."""
        numbers = {
            "attempts-made": self.attempts_made,
            "schedule-step": self.schedule_step,
            "waiting-since": to_ms(self.waiting_since),
        }
        if self.hops:
            numbers["hops"] = self.hops
        if self.spared:
            numbers["spared"] = self.spared
        if self.not_before is not None:
            numbers["not-before"] = to_ms(self.not_before)
        if self.first_attempt_at is not None:
            numbers["first-attempt-at"] = to_ms(self.first_attempt_at)
        headers: Headers = [(name, b"%d" % number) for name, number in numbers.items()]
        if self.last_outcome:
            headers.append(("last-outcome", self.last_outcome.encode()))
        if self.reason:
            headers.append(("reason", self.reason.encode()))
        return headers


def first_headers(*, at: datetime) -> Headers:
    """Give the headers of a delivery that enters its lane for the first time."""
    return Progress(waiting_since=at).headers()


def progress_of(headers: Iterable[tuple[str, bytes | None]] | None) -> Progress:
    """Read a record's headers.

    Raises:
        BrokenContract: a header is missing or is no number, or no time.
    """
    found = {name: value for name, value in headers or () if value is not None}
    try:
        return Progress(
            attempts_made=int(found.get("attempts-made", b"0")),
            schedule_step=int(found.get("schedule-step", b"0")),
            hops=int(found.get("hops", b"0")),
            spared=int(found.get("spared", b"0")),
            waiting_since=from_ms(int(found["waiting-since"])),
            not_before=_time(found.get("not-before")),
            first_attempt_at=_time(found.get("first-attempt-at")),
            last_outcome=found.get("last-outcome", b"").decode(),
            reason=found.get("reason", b"").decode(),
        )
    except (KeyError, ValueError) as error:
        raise BrokenContract(f"delivery headers: {error!r}") from None


def _time(value: bytes | None) -> datetime | None:
    return None if value is None else from_ms(int(value))
