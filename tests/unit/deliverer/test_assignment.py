"""Lanes come with their commits and go with everything recorded."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import Unavailable
from support.posting import (
    OK,
    SECOND,
    DelivererBench,
    answer_all,
    header,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def test_unreadable_commits_are_waited_for(bench):
    """A lane starts only once its commit was read; failing to is never taken as none."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 5)
    first = bench.deliverer()
    bench.run(first, 3 * SECOND)
    bench.kill(first)
    bench.deliver(endpoint, 5)
    second = bench.deliverer()
    for _ in range(5):
        bench.cluster.fail_next("committed", Unavailable("x"))
    bench.run(second, 12 * SECOND)
    assert len(bench.sender.posts) == 10
    assert len(bench.attempts()) == 10


def test_a_lane_that_could_not_be_begun_is_begun_later(bench):
    """A refused seek leaves no lane unread."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 3)
    deliverer = bench.deliverer()
    assign, refusals = deliverer._ports.member.assign, [Unavailable("x")]

    def refuse_once(starts):
        if refusals:
            raise refusals.pop()
        assign(starts)

    deliverer._ports.member.assign = refuse_once
    bench.run(deliverer, 5 * SECOND)
    assert (len(bench.sender.posts), bench.lag(endpoint)) == (3, 0)


def test_a_killed_deliverer_repeats_only_what_was_not_recorded(bench):
    """The next owner starts at the commit, passes what its metadata says is finished."""
    endpoint = bench.endpoint(in_flight_max=10)
    bench.deliver(endpoint, 200)
    bench.sender.rule = lambda r: (
        (None, OK) if header(r, "webhook-id") in {"evt_3", "evt_50"} else (0.05, OK)
    )
    first = bench.deliverer()
    bench.run(first, 700 * MS)
    recorded = {a["event_id"] for a in bench.attempts()}
    assert recorded
    bench.kill(first)
    posted = len(bench.sender.posts)
    answer_all(bench, OK)
    bench.run(bench.deliverer(), 20 * SECOND)
    assert recorded.isdisjoint(bench.sender.event_ids[posted:])
    assert sorted(a["event_id"] for a in bench.attempts()) == sorted(f"evt_{n}" for n in range(200))


def test_a_revoked_lane_is_finished_before_it_is_given_up(bench):
    """Its open POSTs end, are recorded, and the next owner repeats none of them."""
    lanes = [bench.endpoint(f"ep_{name}") for name in "abcd"]
    for endpoint in lanes:
        bench.deliver(endpoint, 100)
    answer_all(bench, OK, seconds=0.5)
    first = bench.deliverer()
    bench.run(first, SECOND)
    second = bench.deliverer(1)
    bench.run([first, second], 10 * SECOND)
    first.stop()
    bench.run(second, 10 * SECOND)
    assert len(bench.sender.posts) == len(set(bench.sender.event_ids)) == 400
    assert len(bench.attempts()) == 400


def test_a_lost_lane_drops_what_ends_late(bench):
    """Another owner may have it: nothing of it is recorded by us any more."""
    bench.deliver(bench.endpoint(), 40)
    answer_all(bench, OK, seconds=2)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.cluster.expel(deliverer._ports.member)
    bench.run(deliverer, 20 * SECOND)
    assert len(bench.attempts()) == len({a["delivery_id"] for a in bench.attempts()}) == 40
    assert "lanes.lost" in [what for what, _ in bench.lines]


def test_stopping_cuts_what_hangs_and_records_everything(bench):
    """At 20 s open POSTs are cut with their retry; afterwards nothing is uncommitted."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 100)
    bench.sender.rule = lambda r: (None, OK) if header(r, "webhook-id") == "evt_1" else (5.0, OK)
    deliverer = bench.deliverer()
    bench.run(deliverer, 500 * MS)
    began = bench.clock.now()
    deliverer.stop()
    assert 20 * SECOND <= bench.clock.now() - began <= 30 * SECOND
    assert [a["outcome"] for a in bench.attempts()].count("timed_out") == 1
    assert (len(bench.attempts()), len(bench.retries())) == (32, 1)
