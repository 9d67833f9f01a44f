"""Operational events: what befalls an endpoint, told to its own tenant as an ordinary event.

Their types are reserved words (`TYPES`): an attempt of one of these, however it ends, raises no
further operational event, so that nothing goes round in a loop. An event's identity is the change
that it tells of, so that telling it again gives the same event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState

CREATED = "endpoint.created"
FAILING = "endpoint.failing"
DISABLED = "endpoint.disabled"
RECOVERED = "endpoint.recovered"
SECRET_ROTATED = "endpoint.secret_rotated"  # noqa: S105  an event type
DEAD = "delivery.dead"
REPLAY_FINISHED = "replay.finished"
TYPES = (CREATED, FAILING, DISABLED, RECOVERED, SECRET_ROTATED, DEAD, REPLAY_FINISHED)
_RESERVED = frozenset(TYPES)

# What an event holds: text, whole numbers (times in unix milliseconds) and lists of text.
Value = str | int | list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationalEvent:
    """One event to be told; `id_in_source` is what it is of, and its `ce_id`."""

    event_type: str
    id_in_source: str
    tenant: str
    endpoint_id: str
    at: datetime
    values: Mapping[str, Value]


def is_operational(event_type: str) -> bool:
    """Tell whether events of this type are Hooklane's own."""
    return event_type in _RESERVED


def changes(before: Endpoint | None, after: Endpoint, *, at: datetime) -> list[OperationalEvent]:
    """Give what there is to tell of a new revision; `before` is None for the first."""
    if before is None:
        return [_of_revision(CREATED, after, at, _created(after))]
    told = []
    known = {secret.sealed for secret in before.secrets}
    if any(secret.sealed not in known for secret in after.secrets):
        told.append(_of_revision(SECRET_ROTATED, after, at, _rotated(after)))
    if after.state is EndpointState.DISABLED and before.state is not EndpointState.DISABLED:
        told.append(_of_revision(DISABLED, after, at, {"reason": after.state_reason}))
    return told


def replay_finished(
    replay_id: str, *, tenant: str, endpoint_id: str, at: datetime, values: Mapping[str, Value]
) -> OperationalEvent:
    """Tell that a replay ended.

    Args:
        replay_id: the replay's id, the same as its command's.
        tenant: whose it is.
        endpoint_id: whom its deliveries are for.
        at: when it ended.
        values: `state` (finished, cancelled or failed), `matched` and `read` (counts), `reason`.
    """
    return OperationalEvent(
        event_type=REPLAY_FINISHED,
        id_in_source=f"{REPLAY_FINISHED}:{replay_id}",
        tenant=tenant,
        endpoint_id=endpoint_id,
        at=at,
        values={"replay_id": replay_id, "endpoint_id": endpoint_id, **values},
    )


def starts_anew(before: Endpoint, after: Endpoint) -> bool:
    """Tell whether a change ends a run of failures: enabled by hand, or another address."""
    enabled = before.state is EndpointState.DISABLED and after.state is EndpointState.ACTIVE
    return enabled or before.url != after.url


def _created(endpoint: Endpoint) -> dict[str, Value]:
    return {"url": endpoint.url, "subscription": list(endpoint.subscription.patterns)}


def _rotated(endpoint: Endpoint) -> dict[str, Value]:
    ends = [secret.valid_until for secret in endpoint.secrets if secret.valid_until is not None]
    return {"previous_valid_until": to_ms(max(ends)) if ends else None}


def _of_revision(
    event_type: str, endpoint: Endpoint, at: datetime, values: Mapping[str, Value]
) -> OperationalEvent:
    return OperationalEvent(
        event_type=event_type,
        id_in_source=f"{event_type}:{endpoint.endpoint_id}:{endpoint.revision}",
        tenant=endpoint.tenant,
        endpoint_id=endpoint.endpoint_id,
        at=at,
        values={"endpoint_id": endpoint.endpoint_id, "revision": endpoint.revision, **values},
    )
