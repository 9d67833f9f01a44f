"""What the door takes, refuses and answers, through its HTTP form."""

import json

import pytest

from hooklane.domain.errors import Unavailable
from hooklane.domain.ids import event_id_by_metadata
from support.ingesting import ACME_KEY, EVENT, IngestBench
from support.matcher_bench import SCHEMA


def test_an_event_is_answered_with_its_webhook_id_once_it_is_written(door):
    """202, and the record has everything that was said of it."""
    sent = {**EVENT, "id": "o-1", "source": "till", "key": "c7", "subject": "o-1",
            "time": "2026-01-02T03:04:05+01:00"}  # fmt: skip
    answer = door.post(sent)
    assert answer.status_code == 202
    assert answer.json() == {
        "events": [
            {
                "id": event_id_by_metadata(
                    tenant="acme", event_type="order.created", source="till", id_in_source="o-1"
                ),
                "type": "order.created",
                "version": 1,
                "tenant": "acme",
                "source": "till",
                "id_in_source": "o-1",
            }
        ]
    }
    (record,) = door.written()
    assert record.key() == b"c7"
    assert dict(record.headers()) == {
        "ce_specversion": b"1.0", "content-type": b"application/avro",
        "ce_id": b"o-1", "ce_source": b"till", "ce_type": b"order.created", "ce_tenant": b"acme",
        "ce_subject": b"o-1", "ce_time": b"2026-01-02T02:04:05.000Z",
    }  # fmt: skip


def test_the_same_call_twice_is_the_same_event(door):
    """By the event's own id or by Idempotency-Key; without either each call is a new one."""
    own = [door.post({**EVENT, "id": "1"}).json()["events"][0]["id"] for _ in range(2)]
    headers = {"Idempotency-Key": "call-1"}
    keyed = [door.post(EVENT, headers=headers).json()["events"][0]["id"] for _ in range(2)]
    drawn = [door.post(EVENT).json()["events"][0]["id"] for _ in range(2)]
    assert (own[0], keyed[0]) == (own[1], keyed[1])
    assert len({own[0], keyed[0], *drawn}) == 4


def test_an_idempotency_key_names_each_event_of_a_batch_by_its_place(door):
    """An event's own id wins over it."""
    batch = {"events": [EVENT, {**EVENT, "id": "own"}, EVENT]}
    answer = door.post(batch, headers={"Idempotency-Key": "b"})
    assert [event["id_in_source"] for event in answer.json()["events"]] == ["b/0", "own", "b/2"]
    assert door.ids() == ["b/0", "own", "b/2"]


def test_a_batch_is_written_whole_or_not_at_all(door):
    """The wrong event is named by its place, its field by its path and rule."""
    batch = {"events": [EVENT, {**EVENT, "data": {"n": "x"}}]}
    answer = door.post(batch)
    assert (answer.status_code, door.written()) == (422, [])
    assert answer.json() == {
        "type": "about:blank", "title": "Not valid", "status": 422, "index": 1, "field": "n",
        "detail": "events.1: order.created version 1: "
        "field n should be a whole number (int), not 'x'",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"type": "order.sunk"}, 422, "event type order.sunk is not in the schema registry"),
        ({"type": "order"}, 422, "'order' is no event type such as order.created"),
        ({"version": 9}, 422, "event type order.created version 9 is not in the schema registry"),
        ({"version": 0}, 422, "version: Input should be greater than or equal to 1"),
        ({"version": "1"}, 422, "version: Input should be a valid integer"),
        ({"tenant": "A!"}, 422, "tenant: String should match pattern"),
        ({"tenant": None}, 422, "tenant: is missing; this key publishes for every one"),
        ({"id": ""}, 422, "id: String should have at least 1 character"),
        ({"key": "x" * 20_000}, 422, "key: String should have at most"),
        ({"id": "é" * 1_000}, 422, "id should be text of 1 to 1024 bytes"),
        ({"time": "yesterday"}, 422, "time: Value error, 'yesterday' is no RFC 3339 time"),
        ({"time": "1969-01-01T00:00:00Z"}, 422, "time: Value error, '1969"),
        ({"data": [1]}, 422, "data: Input should be a valid dictionary"),
        ({"data": {}}, 422, "order.created version 1: field n is missing; it should be int"),
        ({"data": {"n": 1, "m": 2}}, 422, "order.created version 1: field m is not in"),
        ({"more": 1}, 422, "more: Extra inputs are not permitted"),
        ({"data": {"n": "x" * 300_000}}, 413, "data: has 300008 bytes as JSON, more than 261120"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(door, *, change, status, said):
    """Field and rule in one sentence."""
    answer = door.post({**EVENT, **change})
    assert (answer.status_code, door.written()) == (status, [])
    assert answer.json()["detail"].startswith(said)


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        ("{", 400, "the body is not JSON: "),
        ("", 400, "the body is not JSON: "),
        ("\xff", 400, "the body is not JSON: "),
        ("[" * 5_000, 400, "the body is not JSON: "),
        ("[]", 422, "body: should be an event"),
        ('{"events": []}', 422, "events: List should have at least 1 item"),
        ('{"events": 3}', 422, "events: Input should be a valid list"),
        ('{"events": [3]}', 422, "events.0: Input should be a valid dictionary"),
        ("{}", 422, "type: Field required"),
    ],
)
def test_a_body_that_is_no_event_is_refused(door, *, content, status, said):
    """Whatever it is."""
    answer = door.post(content=content.encode("latin-1"))
    assert (answer.status_code, answer.json()["detail"][: len(said)]) == (status, said)


@pytest.mark.parametrize("key", ["", "x" * 256, "\x7f"])
def test_an_idempotency_key_has_a_form(door, key):
    """Short, of visible characters."""
    answer = door.post(EVENT, headers={"Idempotency-Key": key})
    assert (answer.status_code, door.written()) == (422, [])
    assert answer.json()["detail"].startswith("Idempotency-Key: ")


def test_a_batch_has_a_limit():
    """413, before its events are looked at."""
    door = IngestBench(events_max="2")
    answer = door.post({"events": [{}, {}, {}]})
    assert (answer.status_code, answer.json()["detail"]) == (413, "events: 3 are more than 2")


def test_a_tenants_key_publishes_for_its_tenant_alone(door):
    """It need not name it; another one is forbidden, and in a batch nothing is written."""
    unnamed = {name: value for name, value in EVENT.items() if name != "tenant"}
    assert door.post(unnamed, key=ACME_KEY).json()["events"][0]["tenant"] == "acme"
    answer = door.post({"events": [EVENT, {**EVENT, "tenant": "other"}]}, key=ACME_KEY)
    assert (answer.status_code, answer.json()["index"]) == (403, 1)
    assert len(door.written()) == 1


def test_the_registry_is_asked_once_for_what_is_known(door):
    """It may be away afterwards; only what is not known is 503 then."""
    door.post(EVENT)
    asked = door.registry.asked
    door.registry.failure = Unavailable("away")
    assert door.post(EVENT).status_code == 202
    assert door.registry.asked == asked
    answer = door.post({**EVENT, "type": "order.shipped"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["detail"] == "away"


def test_a_subject_that_holds_another_record_is_the_callers_to_know(door):
    """It named that type; nothing is written."""
    door.registry.put("order.other", SCHEMA)
    answer = door.post({**EVENT, "type": "order.other"})
    assert (answer.status_code, door.written()) == (422, [])


def test_kafka_away_is_503_and_says_that_it_may_have_been_written(door):
    """And how to go on."""
    door.post(EVENT)
    door.cluster.down()
    answer = door.post(EVENT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["detail"].endswith(
        "it may have been written: send it again with the same ids"
    )


def test_an_acknowledgement_that_does_not_come_is_503(door):
    """After the setting's time; what is on its way still counts."""
    door.acknowledges = False
    answer = door.post(EVENT)
    assert answer.status_code == 503
    assert "has not acknowledged within 0.5 s" in answer.json()["detail"]
    door.acknowledges = True
    assert door.post(EVENT).status_code == 202


def test_too_much_on_its_way_is_429():
    """Nothing of it is written."""
    door = IngestBench(in_flight_max="1", events_max="1")
    door.acknowledges = False
    assert door.post(EVENT).status_code == 503
    answer = door.post(EVENT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert len(door.written()) == 1


def test_a_large_batch_is_written_in_its_order(door):
    """Others have their turn while it is checked."""
    events = [{**EVENT, "id": str(number)} for number in range(120)]
    answer = door.post(content=json.dumps({"events": events}))
    assert [event["id_in_source"] for event in answer.json()["events"]] == door.ids()
    assert door.ids() == [str(number) for number in range(120)]
