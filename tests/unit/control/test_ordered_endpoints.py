"""An endpoint that gets one key's events in their order, as a caller asks for it."""

import pytest

from hooklane.domain.endpoint import Order
from support.control import draft


@pytest.fixture
def endpoint_id(api):
    answer = api.post("/v1/endpoints", json=draft(order="key"))
    assert (answer.status_code // 100, answer.json()["order"]) == (2, "key")
    return answer.json()["id"]


def test_it_is_created_kept_and_announced(api, bench, endpoint_id):
    """In SQL and on the topic."""
    assert api.get(f"/v1/endpoints/{endpoint_id}").json()["order"] == "key"
    assert bench.store.endpoint(endpoint_id).endpoint.order is Order.KEY


@pytest.mark.parametrize(("order", "status"), [("none", 409), ("key", 200), ("up", 422)])
def test_its_order_stays_as_it_was_created(api, endpoint_id, order, status):
    """What is under way was begun in that order."""
    path = f"/v1/endpoints/{endpoint_id}"
    answer = api.patch(path, json={"order": order}, headers={"If-Match": '"1"'})
    assert status == answer.status_code
    assert api.get(path).json()["order"] == "key"


def test_one_without_order_stays_so_too(api):
    """Its retries are in tiers, out of their order."""
    endpoint_id = api.post("/v1/endpoints", json=draft()).json()["id"]
    path = f"/v1/endpoints/{endpoint_id}"
    answer = api.patch(path, json={"order": "key"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["detail"].startswith("order:")) == (409, True)


def test_its_retries_cannot_be_sent_now(api, endpoint_id):
    """They wait in their lane, and their keys behind them."""
    answer = api.post(f"/v1/endpoints/{endpoint_id}/send-now")
    assert (answer.status_code, "order key" in answer.json()["detail"]) == (409, True)
