from datetime import timedelta

import pytest

from hooklane.adapters.rejected import RawRecord, set_aside
from hooklane.control.lookout import unfinished
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed, OffsetTracker
from hooklane.domain.topics import Partition
from support.control import draft

PART = Partition("t", 0)


def reject(bench, offset):
    producer = bench.cluster.transactional_producer(transactional_id="x")
    producer.begin()
    record = RawRecord(
        at_topic="events.order", at_partition=0, at_offset=offset, raw_key=None, raw_value=b"raw"
    )
    error = BrokenContract("no schema 7", reason="schema")
    set_aside(producer, record, topic=bench.topics.rejected_events, error=error)
    producer.commit()


def test_rejected_events_are_listed_with_their_reason(api, bench):
    """Newest first, each with the position that resubmits it."""
    for offset in range(3):
        reject(bench, offset)
        bench.clock.advance(timedelta(seconds=1))
    found = api.get("/v1/rejected-events", params={"limit": 2}).json()["items"]
    assert [event["source"] for event in found] == ["events.order/0/2", "events.order/0/1"]
    assert (
        found[0]["reason"], found[0]["error"], found[0]["bytes"],
    ) == ("schema", "no schema 7", 3)  # fmt: skip
    assert {"partition", "offset"} <= set(found[0])


def test_status_tells_each_lane_s_lag(api, bench):
    """What is in a lane above its deliverer's commit."""
    made = api.post("/v1/endpoints", json=draft()).json()
    lane = bench.topics.lane(made["id"])
    producer = bench.cluster.producer(instance="x")
    for _ in range(3):
        producer.produce(lane, b"delivery", key=None)
    commits = bench.cluster.groups[bench.topics.group("deliverer.0")].commits
    commits[Partition(lane, 0)] = Committed(offset=1)
    (found,) = api.get("/v1/status").json()["lanes"]
    assert (made["id"], 2, True) == (found["endpoint_id"], found["lag"], found["exists"])


def test_status_tells_of_a_lane_that_was_left_until_it_is_drained(api, bench):
    """Its endpoint is in the pool by now, and what waits in it still goes out first."""
    made = api.post("/v1/endpoints", json=draft()).json()["id"]
    lane = bench.topics.lane(made)
    bench.cluster.producer(instance="x").produce(lane, b"delivery", key=None)

    api.post(f"/v1/endpoints/{made}/placement", json={"lane": "pool"})

    found = api.get("/v1/status").json()
    left = {"endpoint_id": made, "tenant": "acme", "lane": lane, "partition": 0, "lag": 1}
    assert (found["former_lanes"], found["lanes"]) == ([left], [])


def test_status_tells_what_waits_in_a_tier_and_until_when(api, bench):
    """The last record's append and the tier's delay."""
    topic = bench.topics.retry(timedelta(minutes=5))
    bench.cluster.producer(instance="x").produce(topic, b"delivery", key=b"dlv_1")
    at = bench.clock.now()
    tiers = {tier["tier"]: tier for tier in api.get("/v1/status").json()["tiers"]}
    expected = (at + timedelta(minutes=5)).isoformat(timespec="milliseconds")
    assert (1, expected.replace("+00:00", "Z")) == (tiers["5m"]["waiting"], tiers["5m"]["until"])
    assert (tiers["5s"]["waiting"], tiers["5s"]["until"]) == (0, None)


def test_status_tells_whose_clock_is_off(api, bench):
    """A report's own time against the broker's append."""
    (found,) = api.get("/v1/status").json()["clocks"]
    assert found == {"instance": "test.matcher.0", "ahead_ms": 0}


@pytest.mark.parametrize(
    ("commits", "expected"),
    [({}, 10), ({PART: Committed(offset=4)}, 6), ({PART: Committed(offset=99)}, 0),
     ({PART: Committed(offset=4, metadata="odd")}, 6)],
)  # fmt: skip
def test_unfinished_is_what_lies_above_the_commit(commits, expected):
    """Without a commit all of it; what the commit's metadata can't tell counts as waiting."""
    assert expected == unfinished(PART, ends={PART: (0, 10)}, commits=commits)


def test_what_finished_above_the_commit_does_not_wait():
    """The commit's bitmap is taken off."""
    tracker = OffsetTracker(0)
    for offset in range(10):
        tracker.receive(offset)
    for offset in (0, 5, 6):
        tracker.finish(offset)
    assert unfinished(PART, ends={PART: (0, 10)}, commits={PART: tracker.commit()}) == 7
    assert unfinished(PART, ends={}, commits={}) is None
