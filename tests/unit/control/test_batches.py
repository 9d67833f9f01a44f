"""What of batches is asked, kept and shown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.control.batches import batch_of, batchable, changed_batch, shown_batch
from hooklane.control.requests import BatchDraft
from hooklane.domain.endpoint import Batch, Order
from hooklane.domain.errors import Invalid
from support.control import draft
from support.deliveries import an_endpoint

HUNDRED = Batch(count_max=100, wait=timedelta(milliseconds=500))


def test_what_is_shown_can_be_asked_for():
    """The answer's field has the form of the request's."""
    assert batch_of(shown_batch(HUNDRED)) == HUNDRED
    assert (batch_of(None), shown_batch(None)) == (None, None)


def test_one_ends_batches_and_silence_leaves_them():
    """A change names what it changes."""
    assert changed_batch(HUNDRED, None) == HUNDRED
    assert changed_batch(HUNDRED, BatchDraft(count_max=1, wait_ms=9)) is None
    two = Batch(count_max=2, wait=timedelta(seconds=1))
    assert changed_batch(HUNDRED, BatchDraft(count_max=2)) == two


def test_an_ordered_endpoint_is_refused_batches():
    """Its events go one after another."""
    endpoint = replace(an_endpoint(), batch=HUNDRED)
    assert batchable(endpoint) is endpoint
    with pytest.raises(Invalid, match="batch: not with order key"):
        batchable(replace(endpoint, order=Order.KEY))
    alone = replace(an_endpoint(), order=Order.KEY)
    assert batchable(alone) is alone


def test_batches_are_asked_for_changed_and_ended(api):
    """By create and update; each answer shows them."""
    batch = {"count_max": 50, "wait_ms": 200}
    made = api.post("/v1/endpoints", json=draft(batch=batch))
    assert (made.status_code, made.json()["batch"]) == (201, batch)
    path = f"/v1/endpoints/{made.json()['id']}"
    for change, expected in (({"timeout_ms": 2_000}, batch), ({"batch": {"count_max": 1}}, None)):
        changed = api.patch(path, json=change, headers={"If-Match": "*"})
        assert (changed.status_code, changed.json()["batch"]) == (200, expected)


@pytest.mark.parametrize(
    "batch",
    [
        {}, {"count_max": 0}, {"count_max": 501}, {"count_max": "many"}, {"wait_ms": 5},
        {"count_max": 2, "wait_ms": 0}, {"count_max": 2, "wait_ms": 10_001},
        {"count_max": 2, "size": 3}, 7, {"count_max": 1}, {"count_max": True},
        {"count_max": "50"}, {"count_max": 2, "wait_ms": "5"}, {"count_max": 2, "wait_ms": 5.5},
    ],
)  # fmt: skip
def test_batches_beyond_the_limits_are_refused(api, batch):
    """2 to 500 payloads, 1 ms to 10 s; the field is named."""
    refused = api.post("/v1/endpoints", json=draft(batch=batch))
    assert refused.status_code == 422
    assert "batch" in refused.text
