import pytest

from hooklane.adapters.codec import codec
from hooklane.control.comparison import Comparison
from support.control import draft


@pytest.fixture
def comparison(bench):
    return Comparison(
        bench.store, bench.reader, topics=bench.topics, clock=bench.clock, log=bench.log
    )


@pytest.fixture
def made(api):
    return [api.post("/v1/endpoints", json=draft()).json()["id"] for _ in range(2)]


def write(bench, endpoint_id, value):
    producer = bench.cluster.producer(instance="by hand")
    producer.produce(bench.topics.endpoints, value, key=endpoint_id.encode())


def test_what_agrees_is_left_alone(bench, made, comparison):
    """Most days nothing differs."""
    assert comparison.run() == 0
    assert bench.store.unpublished_count() == 0


def test_an_endpoint_missing_from_the_topic_is_published_anew(bench, made, comparison):
    """Whoever removed it by hand, SQL is the source of truth."""
    write(bench, made[0], None)
    assert comparison.run() == 1
    bench.ring()
    assert (made[0], 1) == (bench.announced()[-1][0], bench.announced()[-1][1]["revision"])
    assert comparison.run() == 0


def test_a_topic_that_is_ahead_raises_the_revision(bench, made, comparison):
    """After a restored database revisions still only grow."""
    ahead = dict(bench.announced())[made[0]] | {"revision": 9, "state": "paused"}
    write(bench, made[0], codec("endpoint").encode(ahead))
    assert comparison.run() == 1
    bench.ring()
    newest = bench.announced()[-1][1]
    assert (newest["revision"], newest["state"]) == (10, "active")
    assert bench.store.endpoint(made[0]).endpoint.revision == 10


def test_what_is_still_owed_is_the_relay_s(api, bench, made, comparison):
    """The comparison does not publish what is on its way."""
    object.__setattr__(bench.desk, "ring", lambda: None)
    api.post(f"/v1/endpoints/{made[0]}/pause")
    assert comparison.run() == 0


def test_an_unreadable_record_is_written_over(bench, made, comparison):
    """Bytes that are no endpoint count as missing."""
    write(bench, made[1], b"garbage")
    assert comparison.run() == 1
