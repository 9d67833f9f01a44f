"""Which lane an endpoint has: one of its own, or a partition of the pool, and why it moves.

A move is one revision: the new placement, an epoch above the old, and the old one among `former`
until it is drained. A pool partition is never held, so who is paused has a lane of its own; so has
who is sent its events in order, always. Everybody else moves out for being failing, held or busy,
and back when quiet and others want the lane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hooklane.domain.attempt import LEAVE_ALONE
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState, Order, Placement
from hooklane.domain.errors import Conflict
from hooklane.domain.health import SLOT, Health
from hooklane.domain.topics import Topics

_SLOT_MS = SLOT // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacingRules:
    """When an endpoint leaves the pool, and when it may go back.

    `failures` in a row, or `busy_attempts` within a slot of five minutes; `quiet_after` without
    any attempt.
    """

    failures: int = 5
    busy_attempts: int = 1_000
    quiet_after: timedelta = timedelta(hours=1)


def is_pooled(endpoint: Endpoint, topics: Topics) -> bool:
    """Tell whether an endpoint's placement is a partition of the pool."""
    placement = endpoint.placement
    return placement is not None and placement.topic == topics.pool


def in_own_lane(endpoint: Endpoint, topics: Topics) -> Endpoint:
    """Give a pooled endpoint, within the same revision, a lane of its own; leave any other."""
    if not is_pooled(endpoint, topics):
        return endpoint
    assert endpoint.placement is not None, "who is pooled has a place"
    epoch = endpoint.placement.epoch + 1
    lane = topics.lane(endpoint.endpoint_id, epoch=epoch)
    return _moved(endpoint, Placement(topic=lane, partition=0, epoch=epoch))


def in_pool(endpoint: Endpoint, topics: Topics) -> Endpoint:
    """Give an endpoint, within the same revision, a place in the pool; leave one that has it.

    Raises:
        Conflict: it is paused, or sent its events in order: it would hold others, or they it.
    """
    if endpoint.placement is None or is_pooled(endpoint, topics):
        return endpoint
    if endpoint.order is Order.KEY:
        raise Conflict("lane: order: key needs a lane of its own")
    if endpoint.state is EndpointState.PAUSED:
        raise Conflict("lane: it is paused, and nothing in the pool waits: resume it first")
    partition = topics.pool_partition(endpoint.endpoint_id)
    place = Placement(topic=topics.pool, partition=partition, epoch=endpoint.placement.epoch + 1)
    return _moved(endpoint, place)


def first_in_pool(endpoint: Endpoint, topics: Topics) -> Endpoint | None:
    """Give a new endpoint as it is in the pool, None where it needs a lane of its own."""
    if endpoint.order is Order.KEY:
        return None
    partition = topics.pool_partition(endpoint.endpoint_id)
    return replace(endpoint, placement=Placement(topic=topics.pool, partition=partition))


def without_former(endpoint: Endpoint, drained: Placement) -> Endpoint:
    """Drop, within the same revision, a lane that is drained."""
    return replace(endpoint, former=tuple(lane for lane in endpoint.former if lane != drained))


def wants_own_lane(health: Health, *, rules: PlacingRules, now: datetime) -> str | None:
    """Say why a pooled endpoint is to have a lane of its own; None where it may stay."""
    if health.failing_since is not None:
        if health.consecutive_failures >= rules.failures:
            return "failing"
        if health.last_status in LEAVE_ALONE:
            return "held"
    newest = to_ms(now) // _SLOT_MS
    recent = (health.slots.get(slot, (0, 0)) for slot in (newest, newest - 1))
    busy = any(counts[0] + counts[1] >= rules.busy_attempts for counts in recent)
    return "busy" if busy else None


def may_leave_lane(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint, if it is quiet, may go to the pool."""
    is_free = endpoint.order is Order.NONE and not endpoint.former
    return is_free and endpoint.state is EndpointState.ACTIVE and endpoint.placement is not None


def _moved(endpoint: Endpoint, placement: Placement) -> Endpoint:
    assert endpoint.placement is not None, "who has no place does not move"
    # Back to a partition it left lately: that is no former one then.
    former = tuple(
        lane
        for lane in (*endpoint.former, endpoint.placement)
        if (lane.topic, lane.partition) != (placement.topic, placement.partition)
    )
    return replace(endpoint, placement=placement, former=former)
