"""An ordered lane on the twin: what is parked, what goes on, what an heir does."""

from collections import Counter
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from hooklane.domain.delivery import progress_of
from hooklane.domain.endpoint import EndpointState, Order
from hooklane.domain.parked import KEYS_MAX
from support.posting import OK, SECOND, TIERS, DelivererBench, answer_all, header, status

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def an_ordered(bench, **fields):
    return bench.endpoint(order=Order.KEY, **fields)


def told(bench):
    return [(a["event_id"], a["number"], a["verdict"], a["tier_s"]) for a in bench.attempts()]


def fail(bench, *event_ids, answer=None, seconds=0.01):
    """Have some events fail from now on, all others succeed."""
    failing = answer or status(500)
    bench.sender.rule = lambda request: (
        seconds,
        failing if header(request, "webhook-id") in event_ids else OK,
    )


def test_a_failing_delivery_stays_in_its_lane_and_its_key_behind_it(bench):
    """Other keys and those without one go on; once it succeeds, so does its key."""
    endpoint = an_ordered(bench)
    for key in (b"a", b"b", b"a", None, b"a", b"b"):
        bench.deliver(endpoint, key=key)
    fail(bench, "evt_0", "evt_3")
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    assert sorted(told(bench)) == [
        ("evt_0", 1, "retry", None),
        ("evt_1", 1, "delivered", None),
        ("evt_3", 1, "retry", 5),
        ("evt_5", 1, "delivered", None),
    ]
    (retry,) = bench.retries()
    assert retry.key() in [a["delivery_id"].encode() for a in bench.attempts()]
    answer_all(bench, OK)
    bench.run(deliverer, 6 * SECOND)
    assert bench.sender.event_ids[-3:] == ["evt_0", "evt_2", "evt_4"]
    assert ("evt_0", 2, "delivered", None) in told(bench)
    assert bench.lag(endpoint) == 0


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_an_heir_goes_on_where_the_owner_was(bench, how):
    """Nothing before its not-before; numbers and steps go on; what was finished stays so."""
    endpoint = an_ordered(bench)
    for key in (b"a", b"b", b"a"):
        bench.deliver(endpoint, key=key)
    fail(bench, "evt_0")
    first = bench.deliverer()
    bench.run(first, 2 * SECOND)
    due_at = bench.attempts()[0]["due_at"]
    bench.kill(first) if how == "kill" else first.stop()
    sent = []
    bench.sender.rule = lambda request: (
        sent.append((header(request, "webhook-id"), bench.clock.now_ms())),
        (0.01, status(500) if len(sent) == 1 else OK),
    )[1]
    bench.clock.advance(60 * SECOND if how == "kill" else 0 * SECOND)
    second = bench.deliverer(0 if how == "kill" else 1)
    bench.run(second, 400 * SECOND, step=50 * MS)
    assert [event_id for event_id, _ in sent] == ["evt_0", "evt_0", "evt_2"]
    assert sent[0][1] >= due_at
    # The second failure waited the second step of the schedule.
    assert sent[1][1] - sent[0][1] >= TIERS[1] / MS
    assert [a["number"] for a in bench.attempts() if a["event_id"] == "evt_0"] == [1, 2, 3]
    assert bench.lag(endpoint) == 0


def test_an_attempt_that_is_cut_parks_before_the_lane_is_yielded():
    """Its progress is in the last commit, and the next owner's attempt is the second."""
    bench = DelivererBench(stop_wait_ms=0)
    endpoint = an_ordered(bench)
    bench.deliver(endpoint, 2)
    answer_all(bench, OK, seconds=None)
    first = bench.deliverer()
    bench.run(first, SECOND)
    first.stop()
    assert told(bench) == [("evt_0", 1, "retry", None)]
    answer_all(bench, OK)
    bench.run(bench.deliverer(1), 7 * SECOND)
    assert [a[:3] for a in told(bench)[1:]] == [
        ("evt_0", 2, "delivered"),
        ("evt_1", 1, "delivered"),
    ]


def test_what_is_exhausted_lets_its_key_go_on(bench):
    """Dead, with its progress in the dead letter; its successor only after that is committed."""
    endpoint = an_ordered(bench, retry_schedule=TIERS[:1])
    bench.deliver(endpoint, 2)
    fail(bench, "evt_0")
    bench.run(bench.deliverer(), 8 * SECOND)
    assert [a[:3] for a in told(bench)] == [
        ("evt_0", 1, "retry"),
        ("evt_0", 2, "dead"),
        ("evt_1", 1, "delivered"),
    ]
    (dead,) = bench.dead()
    progress = progress_of(dead.headers())
    assert (progress.attempts_made, progress.reason) == (2, "exhausted")
    assert bench.lag(endpoint) == 0


@pytest.mark.parametrize(
    ("state", "verdict"), [(EndpointState.DISABLED, "dead"), (EndpointState.DELETED, "cancelled")]
)
def test_a_lane_that_is_emptied_takes_its_parked_ones_along(bench, state, verdict):
    """Long before they were due."""
    endpoint = an_ordered(bench)
    bench.deliver(endpoint, 5)
    fail(bench, "evt_0")
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.change(endpoint, state=state)
    bench.run(deliverer, 2 * SECOND)
    assert Counter({"retry": 1, verdict: 5}) == Counter(a["verdict"] for a in bench.attempts())
    assert bench.lag(endpoint) == 0


def test_pause_and_resume_keep_order(bench):
    """A parked one that falls due meanwhile waits, and is the first of its key."""
    endpoint = an_ordered(bench)
    bench.deliver(endpoint, 3)
    fail(bench, "evt_0")
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    paused = bench.change(endpoint, state=EndpointState.PAUSED)
    answer_all(bench, OK)
    bench.run(deliverer, 10 * SECOND)
    assert len(bench.sender.posts) == 1
    bench.change(paused, state=EndpointState.ACTIVE)
    bench.run(deliverer, SECOND)
    assert bench.sender.event_ids == ["evt_0", "evt_0", "evt_1", "evt_2"]


def many(bench, endpoint, count):
    """Deliver one each of so many keys."""
    for number in range(count):
        bench.deliver(endpoint, key=b"%d" % number)


def test_what_was_forgotten_within_a_full_span_is_read_again():
    """It lengthens nothing; without it all but one key's would wait for that one's retries."""
    bench = DelivererBench(span_max=150, held_records_max=100)
    endpoint = an_ordered(bench, state=EndpointState.PAUSED)
    many(bench, endpoint, 150)
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    (reading,) = deliverer._assignment.readings.values()
    assert (reading.tracker.span, reading.resume_at < 100) == (150, True)
    fail(bench, "evt_0")
    bench.change(endpoint, state=EndpointState.ACTIVE)
    many(bench, endpoint, 10)
    bench.run(deliverer, 3 * SECOND)
    delivered = {a["event_id"] for a in bench.attempts() if a["verdict"] == "delivered"}
    assert delivered == {f"evt_{number}" for number in range(1, 150)}
    # Not past the span: that waits.
    assert (reading.paused, reading.tracker.position) == (True, 150)
    answer_all(bench, OK)
    bench.run(deliverer, 10 * SECOND)
    assert bench.lag(endpoint) == 0
    assert len(bench.sender.posts) - bench.sender.event_ids.count("evt_0") == 159


def test_a_lane_that_one_delivery_stops_says_which():
    """Once a minute, and by a metric, until that one is finished."""
    bench = DelivererBench(span_max=100)
    endpoint = an_ordered(bench)
    many(bench, endpoint, 120)
    fail(bench, "evt_0")
    deliverer = bench.deliverer()
    bench.run(deliverer, 4 * SECOND)
    (told,) = [fields for what, fields in bench.lines if what == "lane.at_span"]
    failed = next(a for a in bench.attempts() if a["event_id"] == "evt_0")
    assert (told["delivery"], told["offset"]) == (failed["delivery_id"], 0)
    assert (told["endpoint"], told["level"]) == (endpoint.endpoint_id, "error")
    assert value_of("hooklane_lanes_at_span") == 1
    bench.run(deliverer, 66 * SECOND, step=100 * MS)
    assert len([what for what, _ in bench.lines if what == "lane.at_span"]) == 2
    answer_all(bench, OK)
    bench.run(deliverer, 400 * SECOND, step=100 * MS)
    assert (value_of("hooklane_lanes_at_span"), bench.lag(endpoint)) == (0, 0)


def test_the_keys_that_wait_behind_a_failure_are_counted(bench):
    """Those of each failed delivery that is not over; none once it is."""
    endpoint = an_ordered(bench)
    for key in (b"a", b"b", b"a", b"c"):
        bench.deliver(endpoint, key=key)
    fail(bench, "evt_0", "evt_1")
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    assert value_of("hooklane_keys_parked") == 2
    answer_all(bench, OK)
    bench.run(deliverer, 30 * SECOND)
    assert (value_of("hooklane_keys_parked"), bench.lag(endpoint)) == (0, 0)


def value_of(metric):
    return REGISTRY.get_sample_value(metric)


def test_retry_after_holds_an_ordered_lane(bench):
    """All its keys wait; the parked one is due no earlier."""
    endpoint = an_ordered(bench, in_flight_max=1)
    bench.deliver(endpoint, key=b"a")
    bench.deliver(endpoint, key=b"b")
    answer_all(bench, status(429, retry_after="30"))
    deliverer = bench.deliverer()
    bench.run(deliverer, 20 * SECOND)
    assert (bench.sender.event_ids, bench.retries()) == (["evt_0"], [])
    answer_all(bench, OK)
    bench.run(deliverer, 15 * SECOND)
    assert sorted(bench.sender.event_ids) == ["evt_0", "evt_0", "evt_1"]


def test_where_too_many_keys_fail_the_lane_takes_nothing_new(bench):
    """Its parked ones go on; once one is delivered, another key begins. Other lanes do not mind."""
    endpoint, other = an_ordered(bench), bench.endpoint("ep_b")
    for number in range(KEYS_MAX + 8):
        bench.deliver(endpoint, key=b"%d" % number)
    answer_all(bench, status(500))
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    assert len(bench.sender.posts) == KEYS_MAX
    answer_all(bench, OK)
    bench.deliver(other)
    bench.run(deliverer, SECOND)
    assert len(bench.sender.posts) == KEYS_MAX + 1
    bench.run(deliverer, 6 * SECOND)
    assert len(bench.sender.posts) == 2 * KEYS_MAX + 9
    assert bench.lag(endpoint) == 0
