import pytest

from support.asking import refusal
from support.logbook import HOUR, MINUTE

SPAN = {"since": "1970-01-01T00:00:00Z", "until": "1970-01-02T00:00:00Z"}


def counted(api, path="/v1/stats", **params):
    answer = api.get(path, params=SPAN | params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_attempts_are_counted_by_bucket_outcome_and_verdict(api, room):
    """Each bucket that has attempts, the oldest first, with p50 and p95 by nearest rank."""
    took = [{"total_ms": total} for total in (10, 20, 400)]
    timings = [
        {"dns_ms": None, "connect_ms": 1, "tls_ms": None, "first_byte_ms": 2} | t for t in took
    ]
    room.write(
        room.delivered(1, at=HOUR, timings=timings[0]),
        room.delivered(2, at=HOUR + 1, timings=timings[1]),
        room.attempt(3, at=2 * HOUR - 1, timings=timings[2]),
        room.attempt(4, at=3 * HOUR, nth=0, outcome="none", verdict="cancelled", status=None,
                     timings=dict.fromkeys(timings[0])),
    )  # fmt: skip
    found = counted(api, tenant=room.name)
    assert found["items"] == [
        {"at": "1970-01-01T01:00:00.000Z", "attempts": 3,
         "outcomes": {"succeeded": 2, "rejected": 1}, "verdicts": {"delivered": 2, "retry": 1},
         "success_rate": 0.6667, "p50_ms": 20, "p95_ms": 400},
        {"at": "1970-01-01T03:00:00.000Z", "attempts": 0, "outcomes": {"none": 1},
         "verdicts": {"cancelled": 1}, "success_rate": None, "p50_ms": None, "p95_ms": None},
    ]  # fmt: skip
    assert (found["total"]["attempts"], found["total"]["success_rate"]) == (3, 0.6667)


def test_counts_are_of_what_was_asked_for(api, room):
    """An endpoint, a type, a span, and buckets of a minute or a day."""
    second = room.add_endpoint()
    room.write(
        room.delivered(1, at=MINUTE),
        room.delivered(2, at=3 * MINUTE, endpoint=second),
        room.delivered(3, at=3 * MINUTE, type="order.paid"),
    )
    mine = {"tenant": room.name}
    assert counted(api, **mine, type="order.paid")["total"]["attempts"] == 1
    assert counted(api, **mine, endpoint_id=second)["total"]["attempts"] == 1
    assert counted(api, f"/v1/endpoints/{room.endpoint}/stats")["total"]["attempts"] == 2
    minutes = counted(api, **mine, bucket="minute")["items"]
    assert [one["at"][14:16] for one in minutes] == ["01", "03"]
    assert len(counted(api, **mine, bucket="day")["items"]) == 1
    later = {"since": "1970-01-01T00:02:00Z"}
    assert counted(api, **mine, **later)["total"]["attempts"] == 2


def test_the_last_day_is_counted_where_no_span_is_named(api, room, bench):
    """By the hour, until now."""
    room.write(room.delivered(1, at=bench.clock.now_ms() - HOUR))
    found = api.get("/v1/stats", params={"tenant": room.name}).json()
    assert (found["bucket"], found["total"]["attempts"]) == ("hour", 1)


@pytest.mark.parametrize(
    ("params", "field"),
    [({"bucket": "minute", "since": "2026-01-01T00:00Z", "until": "2026-01-03T00:00Z"}, "since"),
     ({"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since"),
     ({"until": "0001-01-01T00:00:00Z"}, "until"),
     ({"bucket": "week"}, "bucket")],
)  # fmt: skip
def test_a_span_has_a_start_an_end_and_a_bound(api, params, field):
    """Too many buckets, an empty span or an odd bucket is refused by its name."""
    status, detail = refusal(api.get("/v1/stats", params=params))
    assert (status, detail.partition(":")[0]) == (422, field)


def test_a_tenants_key_counts_its_own_attempts_only(room, other_room):
    """Another's endpoint is not found."""
    room.write(room.delivered(1, at=MINUTE))
    other_room.write(other_room.delivered(1, at=MINUTE))
    own = room.key()
    assert counted(own)["total"]["attempts"] == 1
    assert refusal(own.get("/v1/stats", params={"tenant": other_room.name}))[0] == 404
    assert refusal(own.get(f"/v1/endpoints/{other_room.endpoint}/stats"))[0] == 404
