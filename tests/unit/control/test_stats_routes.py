from datetime import timedelta

import pytest

from hooklane.control.stats_routes import BUCKETS_MAX, Bucket, SpanQuery
from hooklane.domain.errors import Invalid
from support import logbook
from support.control import draft
from support.recording import AT


def test_counts_are_shown_of_all_and_of_one_endpoint(api, bench):
    """An unknown endpoint is not found."""
    endpoint_id = api.post("/v1/endpoints", json=draft()).json()["id"]
    at = bench.clock.now_ms() - 1_000
    logbook.write(
        bench.store._engine,
        logbook.delivered("evt_1", endpoint_id, at=at),
        logbook.attempt("evt_1", "ep_2", at=at),
    )
    found = api.get("/v1/stats").json()
    assert (found["total"]["attempts"], found["total"]["success_rate"]) == (2, 0.5)
    (bucket,) = api.get(f"/v1/endpoints/{endpoint_id}/stats").json()["items"]
    assert (bucket["attempts"], bucket["p95_ms"]) == (1, 12)
    assert api.get("/v1/endpoints/ep_x/stats").status_code == 404


def test_a_span_is_a_day_where_none_is_named():
    """By the hour, until now."""
    found = SpanQuery().query(AT, tenant="acme")
    assert (found.until - found.since, found.until, found.width) == (
        timedelta(days=1), AT, timedelta(hours=1),
    )  # fmt: skip


@pytest.mark.parametrize("bucket", list(Bucket))
def test_a_span_has_so_many_buckets_at_most(bucket):
    """As many are fine, one more is refused."""
    width = {"minute": 60, "hour": 3_600, "day": 86_400}[bucket.value]
    since = AT - timedelta(seconds=width * BUCKETS_MAX)
    assert SpanQuery(bucket=bucket, since=since).query(AT, tenant=None).since == since
    earlier = SpanQuery(bucket=bucket, since=since - timedelta(seconds=width))
    with pytest.raises(Invalid):
        earlier.query(AT, tenant=None)


def test_a_span_ends_after_it_began():
    """An empty one, or one before the calendar, is refused."""
    with pytest.raises(Invalid):
        SpanQuery(since=AT, until=AT).query(AT, tenant=None)
    with pytest.raises(Invalid):
        SpanQuery(until="0001-01-01T00:00:00Z").query(AT, tenant=None)
