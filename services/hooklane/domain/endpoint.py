"""A tenant's endpoint: where to POST, what it wants, and the state it is in.

`TRANSITIONS` is the whole state machine: what is not in it is refused.

    active ──pause──▶ paused ──resume──▶ active
    active, paused ──disable──▶ disabled ──enable──▶ active
    active, paused, disabled ──delete──▶ deleted
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.domain.errors import Conflict
from hooklane.domain.subscription import Subscription


class EndpointState(enum.Enum):
    """What becomes of an endpoint's new events, its lane, its retries and its dead letters."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    DELETED = "deleted"


class Cause(enum.Enum):
    """What was asked of an endpoint."""

    PAUSE = "pause"
    RESUME = "resume"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"


TRANSITIONS: Mapping[tuple[EndpointState, Cause], EndpointState] = {
    (EndpointState.ACTIVE, Cause.PAUSE): EndpointState.PAUSED,
    (EndpointState.PAUSED, Cause.RESUME): EndpointState.ACTIVE,
    (EndpointState.ACTIVE, Cause.DISABLE): EndpointState.DISABLED,
    (EndpointState.PAUSED, Cause.DISABLE): EndpointState.DISABLED,
    (EndpointState.DISABLED, Cause.ENABLE): EndpointState.ACTIVE,
    (EndpointState.ACTIVE, Cause.DELETE): EndpointState.DELETED,
    (EndpointState.PAUSED, Cause.DELETE): EndpointState.DELETED,
    (EndpointState.DISABLED, Cause.DELETE): EndpointState.DELETED,
}


def next_state(state: EndpointState, cause: Cause) -> EndpointState:
    """Follow the table.

    Raises:
        Conflict: the table has no such step.
    """
    try:
        return TRANSITIONS[state, cause]
    except KeyError:
        raise Conflict(f"cannot {cause.value} an endpoint that is {state.value}") from None


class Order(enum.Enum):
    """In which order an endpoint gets its events."""

    NONE = "none"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A signing secret as it travels: sealed (AES-GCM), with the sealing key's id."""

    key_id: str
    sealed: bytes
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedHeaders:
    """An endpoint's custom headers as they travel: one sealed JSON object."""

    key_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which lane an endpoint has: the only place where a lane's address is taken from.

    `bucket` names the group of deliverers that reads it. Today there is one, 0, and nothing puts a
    lane into another: the field keeps the place for more groups, so that records need no change.
    """

    topic: str
    partition: int
    bucket: int = 0
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How payloads come together in one POST: so many at most, or what came in so long."""

    count_max: int
    wait: timedelta

    @property
    def wait_ms(self) -> int:
        """How long the first waits, in milliseconds."""
        return self.wait // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One revision of an endpoint, as every process reads it from `hooklane.endpoints`."""

    endpoint_id: str
    tenant: str
    revision: int
    state: EndpointState
    url: str
    subscription: Subscription
    secrets: tuple[SealedSecret, ...]
    sealed_headers: SealedHeaders | None
    timeout: timedelta
    retry_schedule: tuple[timedelta, ...]
    order: Order = Order.NONE
    in_flight_max: int | None = None
    # POSTs begun a second; None: as many as it takes.
    rate_per_s: int | None = None
    # None: each payload has a POST of its own.
    batch: Batch | None = None
    # Why it is in this state, for receipts and people: "gone" after a 410, else what was asked.
    state_reason: str = ""
    placement: Placement | None
    # Lanes it had before, oldest first, until each is drained and gone.
    former: tuple[Placement, ...] = ()
