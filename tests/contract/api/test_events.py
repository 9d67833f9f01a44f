import pytest

from support.asking import items, pages, refusal


def ids(found):
    return [event["id"] for event in found]


def test_events_are_listed_newest_first_within_every_filter(api, room):
    """Tenant, type, endpoint and time, each alone and together."""
    second = room.add_endpoint()
    room.write(
        room.receipt(1, at=1_000),
        room.receipt(2, at=2_000, type="order.paid"),
        room.receipt(3, at=3_000, matched=[room.endpoint, second]),
        room.receipt(4, at=4_000, matched=[]),
    )
    mine = {"tenant": room.name}
    first, second_event, third, fourth = (room.event(number) for number in range(1, 5))
    assert ids(items(api, "/v1/events", **mine)) == [fourth, third, second_event, first]
    assert ids(items(api, "/v1/events", **mine, type="order.paid")) == [second_event]
    assert ids(items(api, "/v1/events", **mine, endpoint_id=second)) == [third]
    span = {"since": "1970-01-01T00:00:02Z", "until": "1970-01-01T00:00:04Z"}
    assert ids(items(api, "/v1/events", **mine, **span)) == [third, second_event]
    assert ids(items(api, "/v1/events", **mine, **span, endpoint_id=second)) == [third]
    assert items(api, "/v1/events", **mine)[1]["source"] == {
        "topic": "events.order", "partition": 0, "offset": 17,
    }  # fmt: skip


def test_a_fan_out_in_parts_is_one_event_and_a_replay_is_none(api, room):
    """The list is of events, however many receipts tell of one."""
    second = room.add_endpoint()
    room.write(
        room.receipt(1),
        room.receipt(1, matched=[second], part=1),
        room.receipt(1, trigger="replay", command_id="cmd_1"),
    )
    assert ids(items(api, "/v1/events", tenant=room.name)) == [room.event(1)]
    assert ids(items(api, "/v1/events", tenant=room.name, endpoint_id=second)) == [room.event(1)]
    shown = api.get(f"/v1/events/{room.event(1)}").json()
    assert (shown["matched"], shown["deliveries"]) == ([room.endpoint, second], {"in_lane": 3})


def test_text_in_payloads_is_found_letter_by_letter(api, room):
    """Case does not count, and what a database takes for a wild card is text like any other."""
    texts = [b'{"note":"50% off_now"}', b'{"note":"50 percent offXnow"}', b'{"q":"say \\"hi\\""}']
    room.write(*(room.receipt(n, payload=text, at=1_000 + n) for n, text in enumerate(texts)))

    def found(q):
        return ids(items(api, "/v1/events", tenant=room.name, q=q))

    assert found("50%") == [room.event(0)]
    assert found("OFF_NOW") == [room.event(0)]
    assert found('\\"hi\\"') == [room.event(2)]
    assert found("off*") == []
    assert found("nowhere") == []
    assert refusal(api.get("/v1/events", params={"q": "ab"}))[0] == 422


def test_an_event_is_shown_with_payload_source_and_receipt(api, room):
    """Who gets it, who does not and why, and where its deliveries are now."""
    second = room.add_endpoint()
    room.write(room.receipt(1, [room.endpoint, second]), room.delivered(1, at=2_000))
    shown = api.get(f"/v1/events/{room.event(1)}").json()
    wanted = {
        "id": room.event(1), "tenant": room.name, "key": "order-17", "table_offset": 42,
        "matched": [room.endpoint, second], "matched_count": 2,
        "refused": [{"endpoint_id": "ep_9", "reason": "endpoint_disabled"}],
        "deliveries": {"delivered": 1, "in_lane": 1},
        "payload": '{"n":1}', "payload_base64": None, "received_at": "1970-01-01T00:00:01.000Z",
    }  # fmt: skip
    assert wanted == {name: shown[name] for name in wanted}
    assert refusal(api.get("/v1/events/evt_unknown")) == (404, "no event evt_unknown")


def test_a_payload_that_is_gone_or_no_text_is_shown_as_that(api, room):
    """Retention takes payloads first; bytes come in base64."""
    room.write(
        room.receipt(1, payload=None), room.receipt(2, payload=b"\xff\x00", payload_text=None)
    )
    gone = api.get(f"/v1/events/{room.event(1)}").json()
    assert (gone["payload"], gone["payload_base64"]) == (None, None)
    raw = api.get(f"/v1/events/{room.event(2)}").json()
    assert (raw["payload"], raw["payload_base64"]) == (None, "/wA=")


def test_pages_stay_right_while_events_arrive(api, room):
    """What comes between two pages changes neither: nothing twice, nothing left out."""
    room.write(*(room.receipt(number, at=1_000) for number in range(7)))
    found = []
    for number, page in enumerate(pages(api, "/v1/events", tenant=room.name, limit=3)):
        found += ids(page)
        room.write(
            room.receipt(100 + number, at=1_001 + number), room.receipt(200 + number, at=1_000)
        )
    before = {room.event(number) for number in range(7)}
    assert [event for event in found if event in before] == sorted(before, reverse=True)
    assert len(found) == len(set(found))


def test_a_tenants_key_sees_its_own_events_only(api, room, other_room):
    """Another's id is not found, as one that never was; another's list neither."""
    room.write(room.receipt(1))
    other_room.write(other_room.receipt(1))
    own = room.key()
    assert ids(items(own, "/v1/events")) == [room.event(1)]
    assert own.get(f"/v1/events/{room.event(1)}").status_code == 200
    foreign = refusal(own.get(f"/v1/events/{other_room.event(1)}"))
    assert foreign == (404, f"no event {other_room.event(1)}")
    assert own.get("/v1/events", params={"tenant": other_room.name}).status_code == 404
    assert items(own, "/v1/events", endpoint_id=other_room.endpoint) == []


def test_a_portal_token_for_one_endpoint_sees_no_other(api, app, room):
    """Not even that an event has other receivers."""
    from contract.api.conftest import client_of

    second = room.add_endpoint()
    room.write(room.receipt(1, [room.endpoint, second]), room.receipt(2, [second]))
    body = {"tenant": room.name, "endpoint_id": room.endpoint}
    token = client_of(app, api.post("/v1/portal-tokens", json=body).json()["token"])
    shown = token.get(f"/v1/events/{room.event(1)}").json()
    assert (shown["matched"], shown["deliveries"]) == ([room.endpoint], {"in_lane": 1})
    assert token.get(f"/v1/events/{room.event(2)}").status_code == 404
    assert token.get(f"/v1/deliveries/{room.of(1, second)}").status_code == 404
    assert token.get(f"/v1/deliveries/{room.of(1)}").status_code == 200


@pytest.mark.parametrize(
    "params",
    [{"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"since": "yesterday"}, {"sort": "id"},
     {"tenant": "a\0b"}, {"q": "a\0bc"}],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_name(api, params):
    """The problem names the parameter; an unknown one is no harmless one."""
    status, detail = refusal(api.get("/v1/events", params=params))
    assert (status, detail.partition(":")[0]) == (422, next(iter(params)))
