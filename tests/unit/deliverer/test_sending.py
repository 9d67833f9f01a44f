"""What may start: the state table, holds, due times, limits; on the twin."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import Progress, progress_of
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import TransactionAborted
from hooklane.domain.topics import Partition
from support.deliveries import delivery_bytes
from support.posting import (
    OK,
    SECOND,
    TOPICS,
    DelivererBench,
    answer_all,
    status,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_holds_the_lane(bench, code):
    """The delivery waits in its tier, the lane until then."""
    endpoint = bench.endpoint(in_flight_max=1)
    bench.deliver(endpoint, 2)
    answer_all(bench, status(code, retry_after="30"))
    began = bench.clock.now()
    deliverer = bench.deliverer()
    bench.run(deliverer, 20 * SECOND)
    (retry,) = bench.retries()
    not_before = progress_of(retry.headers()).not_before
    assert began + 30 * SECOND <= not_before <= began + 31 * SECOND
    assert len(bench.sender.posts) == 1
    answer_all(bench, OK)
    bench.run(deliverer, 12 * SECOND)
    assert len(bench.sender.posts) == 2


def test_a_disabled_endpoints_lane_is_emptied_in_turns(bench):
    """Dead(endpoint_disabled), at most 200 a tick, lanes in turn."""
    lanes = [bench.endpoint(e, state=EndpointState.DISABLED) for e in ("ep_a", "ep_b")]
    for endpoint in lanes:
        bench.deliver(endpoint, 500)
    bench.run(bench.deliverer(), timedelta(milliseconds=600))
    counts = [sum(a["endpoint_id"] == e.endpoint_id for a in bench.attempts()) for e in lanes]
    assert sum(counts) == 600
    # The first tick found only one lane's records read.
    assert counts in ([400, 200], [200, 400])
    assert {progress_of(r.headers()).reason for r in bench.dead()} == {"endpoint_disabled"}


def test_a_deleted_endpoints_lane_is_cancelled(bench):
    """Recorded and gone; nothing to redrive."""
    endpoint = bench.endpoint(state=EndpointState.DELETED)
    bench.deliver(endpoint, 30)
    bench.run(bench.deliverer(), 3 * SECOND)
    assert {(a["verdict"], a["reason"]) for a in bench.attempts()} == {
        ("cancelled", "endpoint_deleted")
    }
    assert (len(bench.attempts()), bench.dead(), bench.lag(endpoint)) == (30, [], 0)


def test_an_unknown_endpoint_is_asked_for_before_it_is_cancelled(bench):
    """A record matched with a newer table waits for it; absent there means deleted."""
    endpoint = bench.endpoint()
    other = bench.endpoint("ep_z", state=EndpointState.PAUSED)
    known = bench.admin.ends([Partition(TOPICS.endpoints, 0)])[Partition(TOPICS.endpoints, 0)][1]
    stray = dict(bench.deliver(other, table_offset=known + 1)[0])
    stray |= {"endpoint_id": "ep_unknown", "event_id": "evt_stray"}
    headers = Progress(waiting_since=bench.clock.now()).headers()
    bench.append(endpoint, delivery_bytes(stray), headers)
    deliverer = bench.deliverer()
    bench.run(deliverer, 3 * SECOND)
    assert bench.attempts() == []
    assert "table.behind" in [what for what, _ in bench.lines]
    bench.change(other)
    bench.run(deliverer, 3 * SECOND)
    assert [(a["event_id"], a["verdict"]) for a in bench.attempts()] == [("evt_stray", "cancelled")]


def test_nothing_starts_before_its_not_before(bench):
    """It waits on our clock; what is due goes on."""
    endpoint = bench.endpoint()
    due = bench.clock.now() + 10 * SECOND
    progress = Progress(waiting_since=bench.clock.now(), not_before=due)
    bench.deliver(endpoint, 100, progress=progress)
    bench.deliver(endpoint)
    sent = []
    bench.sender.rule = lambda _: (sent.append(bench.clock.now()), (0.01, OK))[1]
    bench.run(bench.deliverer(), 12 * SECOND)
    assert len(sent) == 101
    assert sum(at < due for at in sent) <= 1


@pytest.mark.parametrize("state", [EndpointState.ACTIVE, EndpointState.PAUSED])
def test_an_old_delivery_is_dead_of_age(bench, state):
    """Dead(expired) after 30 d, also while held; a young one behind it is not."""
    endpoint = bench.endpoint(state=state)
    old = Progress(waiting_since=bench.clock.now() - timedelta(days=30))
    bench.deliver(endpoint, 200, progress=old)
    bench.deliver(endpoint)
    bench.run(bench.deliverer(), 5 * SECOND)
    assert {progress_of(r.headers()).reason for r in bench.dead()} == {"expired"}
    assert len(bench.dead()) == 200
    assert len(bench.sender.posts) == (state is EndpointState.ACTIVE)


def test_an_endpoint_has_at_most_its_in_flight_limit_open(bench):
    """Its own limit, else the deployment's."""
    for endpoint in (bench.endpoint("ep_a"), bench.endpoint("ep_b", in_flight_max=3)):
        bench.deliver(endpoint, 100)
    answer_all(bench, OK, seconds=None)
    bench.run(bench.deliverer(), SECOND)
    assert bench.sender.open_count == 32 + 3


def test_all_open_posts_are_bounded_and_shared_in_turns():
    """At the total limit lanes take turns."""
    bench = DelivererBench(in_flight_max=10)
    for name in "abcd":
        bench.deliver(bench.endpoint(f"ep_{name}"), 100)
    open_most = []

    def rule(_):
        open_most.append(bench.sender.open_count)
        return 0.1, OK

    bench.sender.rule = rule
    bench.run(bench.deliverer(), 20 * SECOND)
    assert max(open_most) == 9
    assert len(bench.attempts()) == 400


def test_uncommitted_outcomes_stop_new_attempts():
    """While no commit gets through, what is open ends and nothing new starts."""
    bench = DelivererBench(uncommitted_ms_max=1_000)
    bench.deliver(bench.endpoint(in_flight_max=1), 100)
    answer_all(bench, OK, seconds=0.1)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    for _ in range(200):
        bench.cluster.fail_next("begin", TransactionAborted("x"))
    before = len(bench.sender.posts)
    bench.run(deliverer, 20 * SECOND)
    assert len(bench.sender.posts) - before <= 15
    assert deliverer.not_ready() is not None
    bench.cluster._faults.clear()
    bench.run(deliverer, 20 * SECOND)
    assert len(bench.attempts()) == len(set(bench.sender.event_ids)) == 100
