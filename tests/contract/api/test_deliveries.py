import pytest

from support.asking import items, pages, refusal

NOW = 1_772_352_000_000


def states(found):
    return [(one["event_id"], one["state"]) for one in found]


@pytest.fixture
def now(bench):
    """The clock's time in unix ms."""
    return bench.clock.now_ms()


def test_a_deliverys_state_follows_from_what_is_recorded(api, room, now):
    """In lane, waiting, delivered, dead, cancelled: by receipt, newest attempt, dead letter."""
    room.write(
        *(room.receipt(number, at=now + number) for number in range(7)),
        room.attempt(1, at=now + 10, due_at=now + 60_000),
        room.attempt(2, at=now + 10, nth=1, due_at=now + 20),
        room.delivered(2, at=now + 30, nth=2),
        room.attempt(3, at=now + 10, verdict="dead", tier_s=None, due_at=None, reason="gone"),
        room.dead(4, at=now + 10),
        room.attempt(5, at=now + 10, verdict="cancelled", due_at=None, reason="endpoint_deleted"),
        room.dead(6, at=now + 10, redriven_at=now + 20),
    )
    found = {one["event_id"]: one for one in items(api, "/v1/deliveries", tenant=room.name)}
    assert [found[room.event(number)]["state"] for number in range(7)] == [
        "in_lane", "waiting", "delivered", "dead", "dead", "cancelled", "in_lane",
    ]  # fmt: skip
    waiting, done = found[room.event(1)], found[room.event(2)]
    assert (waiting["tier"], waiting["attempts"], waiting["due_at"] > waiting["received_at"]) == (
        "5s", 1, True,
    )  # fmt: skip
    assert (done["attempts"], done["tier"], done["due_at"]) == (2, None, None)
    assert found[room.event(4)]["reason"] == "exhausted"
    assert found[room.event(0)]["id"] == room.of(0)


def test_a_paused_endpoint_holds_its_deliveries(api, room, now):
    """They are in its lane and go nowhere until it is resumed."""
    room.write(room.receipt(1, at=now))
    api.post(f"/v1/endpoints/{room.endpoint}/pause")
    assert states(items(api, "/v1/deliveries", tenant=room.name)) == [(room.event(1), "held")]
    api.post(f"/v1/endpoints/{room.endpoint}/resume")
    assert states(items(api, "/v1/deliveries", tenant=room.name)) == [(room.event(1), "in_lane")]


def test_deliveries_are_listed_within_every_filter(api, room, now):
    """Endpoint, event, type, state and time."""
    second = room.add_endpoint()
    room.write(
        room.receipt(1, [room.endpoint, second], at=now),
        room.receipt(2, at=now + 1_000, type="order.paid"),
        room.delivered(1, at=now + 1),
    )
    mine = {"tenant": room.name}
    assert len(items(api, "/v1/deliveries", **mine)) == 3
    (found,) = items(api, "/v1/deliveries", **mine, endpoint_id=second)
    assert (found["event_id"], found["endpoint_id"]) == (room.event(1), second)
    assert len(items(api, "/v1/deliveries", **mine, event_id=room.event(1))) == 2
    (found,) = items(api, "/v1/deliveries", **mine, type="order.paid")
    assert found["event_id"] == room.event(2)
    assert states(items(api, "/v1/deliveries", **mine, state="delivered")) == [
        (room.event(1), "delivered")
    ]
    assert len(items(api, "/v1/deliveries", **mine, until="2020-01-01T00:00:00Z")) == 0


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_pages_of_deliveries_join_though_a_receipt_lies_across_two(api, room, now, limit):
    """The cursor names the receipt and the place in it; what arrives meanwhile changes nothing."""
    endpoints = [room.endpoint, *(room.add_endpoint() for _ in range(4))]
    room.write(*(room.receipt(number, endpoints, at=now) for number in range(3)))
    found = []
    for number, page in enumerate(pages(api, "/v1/deliveries", tenant=room.name, limit=limit)):
        found += [one["id"] for one in page]
        room.write(room.receipt(100 + number, endpoints, at=now + 1 + number))
    expected = [
        room.of(number, endpoint) for number in reversed(range(3)) for endpoint in endpoints
    ]
    assert found == expected


def test_a_state_is_looked_for_page_by_page(api, room, now):
    """Pages of a rare state may be short, but none is left out."""
    room.write(
        *(room.receipt(number, at=now + number) for number in range(9)),
        *(room.dead(number, at=now + 50) for number in (1, 5, 8)),
    )
    found = [
        one["event_id"]
        for page in pages(api, "/v1/deliveries", tenant=room.name, state="dead", limit=2)
        for one in page
    ]
    assert found == [room.event(number) for number in (8, 5, 1)]


def test_a_delivery_is_shown_by_its_id(api, room, now):
    """Attempted or not; one without an attempt is found among the newest, or by its event."""
    room.write(
        room.receipt(1, at=now),
        room.receipt(2, at=now),
        room.receipt(3, at=now, trigger="replay", command_id="cmd_1"),
        room.delivered(1, at=now + 1),
        room.dead(4, at=now + 1),
    )
    assert api.get(f"/v1/deliveries/{room.of(1)}").json()["state"] == "delivered"
    assert api.get(f"/v1/deliveries/{room.of(2)}").json()["state"] == "in_lane"
    replayed = api.get(
        f"/v1/deliveries/{room.of(3, trigger='replay', command_id='cmd_1')}",
        params={"event_id": room.event(3)},
    ).json()
    assert (replayed["trigger"], replayed["command_id"]) == ("replay", "cmd_1")
    without_receipt = api.get(f"/v1/deliveries/{room.of(4)}").json()
    assert (without_receipt["state"], without_receipt["received_at"]) == ("dead", None)
    assert refusal(api.get("/v1/deliveries/dlv_unknown"))[0] == 404
    wrong = api.get(f"/v1/deliveries/{room.of(2)}", params={"event_id": "evt_other"})
    assert refusal(wrong)[0] == 404


def test_a_tenants_key_sees_its_own_deliveries_only(api, room, other_room, now):
    """Another's delivery is not found, attempted or not."""
    room.write(room.receipt(1, at=now))
    other_room.write(
        other_room.receipt(1, at=now), other_room.receipt(2, at=now), other_room.dead(2, at=now)
    )
    own = room.key()
    assert [one["id"] for one in items(own, "/v1/deliveries")] == [room.of(1)]
    for number in (1, 2):
        foreign = f"/v1/deliveries/{other_room.of(number)}"
        assert refusal(own.get(foreign))[0] == 404
        assert refusal(own.get(foreign, params={"event_id": other_room.event(number)}))[0] == 404
        assert api.get(foreign).status_code == 200


@pytest.mark.parametrize("params", [{"state": "lost"}, {"cursor": "MTpldnQ"}, {"q": "text"}])
def test_what_does_not_fit_is_refused_by_its_name(api, params):
    """A cursor of another list is none of this one."""
    status, detail = refusal(api.get("/v1/deliveries", params=params))
    assert (status, detail.partition(":")[0]) == (422, next(iter(params)))
