"""Explain on either database: the same verdicts from the same receipts, attempts and revisions."""

from datetime import timedelta

import httpx
import pytest

from hooklane.domain.delivery import to_ms
from support.control import API_KEY, Direct, draft
from support.explaining import EVENT, attempt, receipt

TENANT = "explained"


@pytest.fixture(scope="module")
def explained(app):
    """The deployment's own client, with a tenant that no other test knows."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    with httpx.Client(base_url="http://control", headers=headers, transport=Direct(app)) as client:
        assert client.post("/v1/tenants", json={"name": TENANT}).status_code == 201
        yield client


@pytest.fixture
def endpoint_id(explained):
    return explained.post("/v1/endpoints", json=draft(tenant=TENANT)).json()["id"]


def ask(client, endpoint_id, event_id):
    asked = {"event_id": event_id, "endpoint_id": endpoint_id}
    answer = client.get("/v1/explain", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(client, endpoint_id, **fields):
    at = client.get(f"/v1/endpoints/{endpoint_id}").headers["etag"]
    answer = client.patch(f"/v1/endpoints/{endpoint_id}", json=fields, headers={"If-Match": at})
    assert answer.status_code < 300, answer.text


def test_a_match_is_told_with_its_attempts_and_where_it_is_now(bench, explained, endpoint_id):
    """From the receipt, the attempts and the revision that was in force."""
    receipt(bench, matched=[endpoint_id], tenant=TENANT)
    due_at = to_ms(bench.clock.now() + timedelta(seconds=5))
    own = attempt(bench, endpoint_id, 1, tenant=TENANT, due_at=due_at)

    answer = ask(explained, endpoint_id, EVENT)

    assert (answer["verdict"], answer["reason"]) == ("matched", "subscribed")
    assert answer["facts"]["revision_in_force"]["subscription"] == ["order.*"]
    (delivery,) = answer["deliveries"]
    found = (delivery["delivery_id"], delivery["state"], len(delivery["attempts"]))
    assert found == (own, "waiting", 1)


def test_a_type_not_subscribed_then_is_told_by_the_revision_of_then(bench, explained, endpoint_id):
    """What the endpoint wants now does not matter."""
    change(explained, endpoint_id, subscription=["user.*"])
    receipt(bench, tenant=TENANT, event_id="evt_unwanted")
    bench.clock.advance(timedelta(seconds=1))
    change(explained, endpoint_id, subscription=["order.*"])

    answer = ask(explained, endpoint_id, "evt_unwanted")

    assert (answer["verdict"], answer["reason"]) == ("not_matched", "type_not_subscribed")
    assert answer["facts"]["revision_in_force"]["revision"] == 2
    assert answer["deliveries"] == []


def test_an_event_of_before_the_endpoint_is_told_so(bench, explained):
    """It was made later than the event's receipt knew."""
    receipt(bench, tenant=TENANT, event_id="evt_early")
    bench.clock.advance(timedelta(seconds=1))
    later = explained.post("/v1/endpoints", json=draft(tenant=TENANT)).json()["id"]

    answer = ask(explained, later, "evt_early")

    assert (answer["verdict"], answer["reason"]) == ("not_matched", "created_later")


def test_an_event_that_nobody_knows_is_told_so(explained, endpoint_id):
    """No receipt, no verdict."""
    answer = ask(explained, endpoint_id, "evt_none")
    assert (answer["verdict"], answer["deliveries"]) == ("unknown", [])
