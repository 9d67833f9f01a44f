"""Why an endpoint got an event or did not, over HTTP, from what control itself wrote."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import to_ms
from support.control import draft
from support.explaining import EVENT, attempt, receipt, table_offset

NOT_LISTED = "ep_somebody_else"


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


@pytest.fixture
def explain(api, endpoint_id):
    def ask(event_id=EVENT, **params):
        answer = api.get(
            "/v1/explain", params={"event_id": event_id, "endpoint_id": endpoint_id, **params}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def change(api, endpoint_id, **fields):
    at = api.get(f"/v1/endpoints/{endpoint_id}").headers["etag"]
    answer = api.patch(f"/v1/endpoints/{endpoint_id}", json=fields, headers={"If-Match": at})
    assert answer.status_code < 300, answer.text


def verdict(answer):
    return answer["verdict"], answer["reason"]


def test_a_match_is_told_with_the_revision_that_was_in_force(bench, explain, endpoint_id):
    """The receipt lists it, the delivery is derived, and nobody has attempted it yet."""
    receipt(bench, matched=[NOT_LISTED, endpoint_id])
    answer = explain()
    assert verdict(answer) == ("matched", "subscribed")
    assert "order.* (revision 1)" in answer["why"]
    assert answer["facts"]["revision_in_force"]["subscription"] == ["order.*"]
    assert answer["facts"]["event"]["source"] == "events.order/0/7"
    (delivery,) = answer["deliveries"]
    assert (delivery["trigger"], delivery["state"], delivery["attempts"]) == (
        "event",
        "in_lane",
        [],
    )


def test_attempts_are_told_oldest_first_with_where_the_delivery_is_now(bench, explain, endpoint_id):
    """It waits in its tier until it is due, then it is back in its lane."""
    receipt(bench, matched=[endpoint_id])
    due_at = to_ms(bench.clock.now() + timedelta(seconds=5))
    own = attempt(bench, endpoint_id, 1, due_at=due_at)
    (delivery,) = explain()["deliveries"]
    assert (delivery["delivery_id"], delivery["state"], delivery["tier"]) == (own, "waiting", "5s")
    bench.clock.advance(timedelta(seconds=6))
    attempt(bench, endpoint_id, 2, outcome="succeeded", verdict="delivered", tier_s=None,
            due_at=None, attempt_id="att_later")  # fmt: skip
    (delivery,) = explain()["deliveries"]
    assert [one["number"] for one in delivery["attempts"]] == [1, 2]
    assert (delivery["state"], delivery["due_at"]) == ("delivered", None)


def test_a_type_that_was_not_subscribed_then(api, bench, explain, endpoint_id):
    """What the endpoint wants now does not matter, what it wanted then does."""
    change(api, endpoint_id, subscription=["user.*"])
    receipt(bench)
    bench.clock.advance(timedelta(seconds=1))
    change(api, endpoint_id, subscription=["order.*"])
    answer = explain()
    assert verdict(answer) == ("not_matched", "type_not_subscribed")
    assert answer["facts"]["revision_in_force"]["revision"] == 2
    assert answer["facts"]["endpoint"]["revision"] == 3
    assert answer["deliveries"] == []


def test_an_endpoint_that_was_disabled_or_deleted_then(api, bench, explain, endpoint_id):
    """The receipt refuses it, and the revision says why."""
    api.delete(f"/v1/endpoints/{endpoint_id}")
    receipt(bench, refused=[(endpoint_id, "endpoint_deleted")])
    assert verdict(explain()) == ("not_matched", "endpoint_deleted")


def test_an_endpoint_created_later_than_the_event_was_matched(api, bench, endpoint_id):
    """The table had no such endpoint; times say that nobody had asked for it."""
    del endpoint_id
    receipt(bench)
    bench.clock.advance(timedelta(seconds=1))
    late = api.post("/v1/endpoints", json=draft()).json()["id"]
    answer = api.get("/v1/explain", params={"event_id": EVENT, "endpoint_id": late}).json()
    assert verdict(answer) == ("not_matched", "created_later")
    assert answer["facts"]["revision_in_force"] is None


def test_a_change_that_was_not_effective_yet(api, bench, explain, endpoint_id):
    """Asked for before the event, read by the matcher after it."""
    change(api, endpoint_id, subscription=["user.*"])
    before = table_offset(bench)
    change(api, endpoint_id, subscription=["order.*"])
    bench.clock.advance(timedelta(seconds=1))
    receipt(bench, table_offset=before)
    answer = explain()
    assert verdict(answer) == ("not_matched", "not_effective_yet")
    assert "Revision 3" in answer["why"]


def test_a_replay_that_brought_it_later(bench, explain, endpoint_id):
    """Its delivery is another, of the same event."""
    receipt(bench, matched=[NOT_LISTED], table_offset=0)
    bench.clock.advance(timedelta(seconds=1))
    receipt(bench, matched=[endpoint_id], trigger="replay", command_id="cmd_1")
    own = attempt(bench, endpoint_id, 1, trigger="replay", command_id="cmd_1", verdict="delivered")
    answer = explain()
    assert verdict(answer) == ("matched", "asked_again")
    (delivery,) = answer["deliveries"]
    assert (delivery["delivery_id"], delivery["command_id"], delivery["state"]) == (
        own, "cmd_1", "delivered",
    )  # fmt: skip


def test_a_redrive_is_the_same_delivery(bench, explain, endpoint_id):
    """Its receipt has a command; the delivery keeps its id."""
    receipt(bench, matched=[endpoint_id])
    receipt(bench, matched=[endpoint_id], command_id="cmd_redrive")
    assert len(explain()["deliveries"]) == 1


def test_what_is_not_recorded_is_unknown(bench, explain, endpoint_id):
    """No receipt, no verdict; attempts alone prove that there was a match."""
    assert verdict(explain()) == ("unknown", "no_receipt")
    attempt(bench, endpoint_id, 1)
    answer = explain()
    assert verdict(answer) == ("matched", "attempted")
    assert answer["facts"]["event"] is None
    assert answer["deliveries"][0]["since"] is None


def test_an_event_of_another_tenant(bench, explain):
    """Whoever owns both tenants is told so."""
    receipt(bench, tenant="beta", matched=[NOT_LISTED])
    assert verdict(explain()) == ("not_matched", "other_tenant")


def test_a_rejected_record_is_asked_for_by_its_position(api, bench, explain):
    """It has no event id that anybody knows."""
    producer = bench.cluster.producer(instance="test.matcher.0")
    headers = [("rejected-reason", b"schema"), ("rejected-error", b"unknown id 9")]
    producer.produce(bench.topics.rejected_events, b"raw", key=b"events.order/0/9", headers=headers)
    producer.flush(timedelta(seconds=1))
    answer = explain("events.order/0/9")
    assert verdict(answer) == ("rejected", "event_rejected")
    assert "schema: unknown id 9" in answer["why"]
    assert verdict(explain("events.order/0/10")) == ("unknown", "no_receipt")


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"event_id": EVENT}, 422),
        ({"endpoint_id": "ep_unknown", "event_id": EVENT}, 404),
        ({"endpoint_id": "ep_1", "event_id": "a\0b"}, 422),
        ({"endpoint_id": "ep_1", "event_id": ""}, 422),
        ({"endpoint_id": "e" * 400, "event_id": EVENT}, 422),
    ],
)
def test_what_is_not_asked_rightly_is_refused(api, params, status):
    """A parameter missing or odd, or an endpoint nobody knows."""
    answer = api.get("/v1/explain", params=params)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
