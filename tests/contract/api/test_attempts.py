import pytest

from support.asking import items, pages, refusal


def ids(found):
    return [attempt["attempt_id"] for attempt in found]


def test_attempts_are_listed_newest_first_within_every_filter(api, room):
    """Tenant, event, endpoint, delivery, type, status, outcome, verdict, time."""
    room.write(
        room.attempt(1, at=1_000),
        room.attempt(1, at=2_000, nth=2, outcome="timed_out", status=None),
        room.delivered(2, at=3_000, nth=3, type="order.paid"),
    )
    first, second, third = reversed(ids(items(api, "/v1/attempts", tenant=room.name)))
    expected = [
        ({"event_id": room.event(1)}, [second, first]),
        ({"endpoint_id": room.endpoint}, [third, second, first]),
        ({"delivery_id": room.of(2)}, [third]),
        ({"type": "order.paid"}, [third]),
        ({"status": 500}, [first]),
        ({"outcome": "timed_out"}, [second]),
        ({"verdict": "retry"}, [second, first]),
        ({"verdict": "retry", "outcome": "rejected"}, [first]),
        ({"since": "1970-01-01T00:00:02Z"}, [third, second]),
        ({"until": "1970-01-01T00:00:02+00:00"}, [first]),
    ]
    for params, wanted in expected:
        assert ids(items(api, "/v1/attempts", tenant=room.name, **params)) == wanted


def test_attempts_are_found_by_text_in_their_events_payload(api, room):
    """Within payload retention, every attempt of the event."""
    room.write(
        room.receipt(1, payload=b'{"customer":"Zaphod"}'),
        room.receipt(2),
        room.attempt(1, at=1_000),
        room.delivered(1, at=2_000, nth=2),
        room.attempt(2, at=3_000),
    )
    found = items(api, "/v1/attempts", tenant=room.name, q="zaphod")
    assert [attempt["event_id"] for attempt in found] == [room.event(1)] * 2
    assert items(api, "/v1/attempts", tenant=room.name, q="zaphod", verdict="dead") == []


def test_pages_stay_right_while_attempts_arrive(api, room):
    """What comes between two pages changes neither, also within one millisecond."""
    room.write(*(room.attempt(number, at=1_000) for number in range(7)))
    found = []
    for number, page in enumerate(pages(api, "/v1/attempts", tenant=room.name, limit=2)):
        found += [attempt["event_id"] for attempt in page]
        room.write(room.attempt(100 + number, at=1_001), room.attempt(200 + number, at=1_000))
    assert {room.event(number) for number in range(7)} <= set(found)
    assert len(found) == len(set(found))


def test_a_tenants_key_sees_its_own_attempts_only(api, room, other_room):
    """Another's attempt is not found."""
    room.write(room.attempt(1, at=1_000))
    other_room.write(other_room.attempt(1, at=1_000))
    own = room.key()
    (mine,) = ids(items(own, "/v1/attempts"))
    assert own.get(f"/v1/attempts/{mine}").json()["attempt_id"] == mine
    (foreign,) = ids(items(api, "/v1/attempts", tenant=other_room.name))
    assert refusal(own.get(f"/v1/attempts/{foreign}"))[0] == 404
    assert refusal(own.get("/v1/attempts/att_unknown"))[0] == 404
    assert items(own, "/v1/attempts", endpoint_id=other_room.endpoint) == []


def test_dead_letters_are_listed_within_every_filter(api, room):
    """Tenant, endpoint, type, reason, time; what was redriven is no more."""
    second = room.add_endpoint()
    room.write(
        room.dead(1, at=1_000),
        room.dead(2, at=2_000, endpoint=second, reason="gone"),
        room.dead(3, at=3_000, type="order.paid"),
        room.dead(4, at=4_000, redriven_at=5_000),
    )

    def found(**params):
        letters = items(api, "/v1/dead-letters", tenant=room.name, **params)
        return [letter["event_id"] for letter in letters]

    first, gone, paid = (room.event(number) for number in (1, 2, 3))
    assert found() == [paid, gone, first]
    assert found(endpoint_id=second) == [gone]
    assert found(type="order.paid") == [paid]
    assert found(reason="gone") == [gone]
    assert found(since="1970-01-01T00:00:02Z") == [paid, gone]
    assert found(until="1970-01-01T00:00:02Z") == [first]
    assert [letter["event_id"] for page in pages(
        api, "/v1/dead-letters", tenant=room.name, limit=2) for letter in page
    ] == [paid, gone, first]  # fmt: skip


def test_a_tenants_key_sees_and_redrives_its_own_dead_letters_only(api, room, other_room):
    """Another's is not found; a key that reads may count, not redrive."""
    for one in (room, other_room):
        one.write(one.dead(1, at=1_000))
    own, reader = room.key(), room.key(may_write=False)
    assert [letter["delivery_id"] for letter in items(own, "/v1/dead-letters")] == [room.of(1)]
    assert own.get(f"/v1/dead-letters/{room.of(1)}").json()["payload"] == '{"n":1}'
    assert refusal(own.get(f"/v1/dead-letters/{other_room.of(1)}"))[0] == 404
    foreign = {"endpoint_id": other_room.endpoint}
    assert refusal(own.post("/v1/redrives", json=foreign))[0] == 404
    mine = {"endpoint_id": room.endpoint}
    assert own.post("/v1/redrives", json=mine).status_code == 202
    assert refusal(reader.post("/v1/redrives", json=mine))[0] == 403
    assert reader.post("/v1/redrives", json=mine | {"dry_run": True}).json()["count"] == 1


@pytest.mark.parametrize("path", ["/v1/rejected-events", "/v1/status"])
def test_what_is_the_deployments_is_not_a_tenants(api, room, path):
    """Topics are shared: a tenant's key may not read them."""
    assert refusal(room.key().get(path))[0] == 403
    assert api.get(path).status_code == 200


def test_a_resubmission_is_the_deployments(room):
    """Rejected events belong to no tenant."""
    body = {"positions": [{"partition": 0, "offset": 1}]}
    assert refusal(room.key().post("/v1/rejected-events/resubmit", json=body))[0] == 403
