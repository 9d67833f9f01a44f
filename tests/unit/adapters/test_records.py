"""Between internal records and domain values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.records import (
    attempt_without_request,
    delivery_of,
    endpoint_of,
    endpoint_value,
)
from hooklane.domain.delivery import Trigger
from hooklane.domain.endpoint import Batch, Order, Placement, SealedHeaders, SealedSecret
from hooklane.domain.errors import BrokenContract
from hooklane.domain.event import SourcePosition
from support.deliveries import an_endpoint, delivery_value

AT = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)

FULL = replace(
    an_endpoint(),
    secrets=(
        SealedSecret(key_id="k1", sealed=b"one", valid_until=AT),
        SealedSecret(key_id="k1", sealed=b"two"),
    ),
    sealed_headers=SealedHeaders(key_id="k1", sealed=b"headers"),
    order=Order.KEY,
    in_flight_max=7,
    rate_per_s=20,
    batch=Batch(count_max=50, wait=timedelta(milliseconds=200)),
    former=(Placement(topic="test.pool", partition=7, epoch=1),),
    state_reason="gone",
    retry_schedule=(timedelta(seconds=5), timedelta(hours=2)),
)


@pytest.mark.parametrize("endpoint", [FULL, an_endpoint(), an_endpoint(lane=None)])
def test_an_endpoint_survives_its_record(endpoint):
    """Field for field, through the bytes."""
    value = codec("endpoint").decode(codec("endpoint").encode(endpoint_value(endpoint)))
    assert endpoint_of(value) == endpoint


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "unknown"},
        {"order": "by moon"},
        {"retry_schedule_s": [2**62]},
        {"secrets": [{"key_id": "k", "sealed": b"", "valid_until": 2**62}]},
    ],
)
def test_an_endpoint_of_a_later_release_breaks_the_contract(wrong):
    """It is not guessed at, and it does not stop the process."""
    with pytest.raises(BrokenContract):
        endpoint_of({**endpoint_value(FULL), **wrong})


def test_a_delivery_is_read_from_its_record():
    """The event's fields become an event."""
    delivery = delivery_of(delivery_value(3, table_offset=9, payload=b"{}"))
    assert (delivery.endpoint_id, delivery.trigger, delivery.table_offset) == (
        "ep_a",
        Trigger.EVENT,
        9,
    )
    assert (delivery.event.event_id, delivery.event.payload) == ("evt_3", b"{}")
    assert delivery.event.source == SourcePosition(topic="events.order", partition=0, offset=3)


@pytest.mark.parametrize("wrong", [{"trigger": "unknown"}, {"event_time": -1}])
def test_a_delivery_of_a_later_release_breaks_the_contract(wrong):
    """Likewise."""
    with pytest.raises(BrokenContract):
        delivery_of({**delivery_value(), **wrong})


def test_an_attempt_without_a_request_is_an_attempt():
    """It has a verdict and a reason, number 0 and no outcome, and can be written."""
    delivery = delivery_value()
    value = attempt_without_request(
        delivery, attempt_id="att_1", at=AT, verdict="dead", reason="expired"
    )
    decoded = codec("attempt").decode(codec("attempt").encode(value))
    assert decoded == value
    assert decoded["started_at"] == 1_795_521_600_250
    assert {k: decoded[k] for k in ("number", "outcome", "status", "verdict", "reason")} == {
        "number": 0,
        "outcome": "none",
        "status": None,
        "verdict": "dead",
        "reason": "expired",
    }
    assert decoded["delivery_id"] == delivery["delivery_id"]
