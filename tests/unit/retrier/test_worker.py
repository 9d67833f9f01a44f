"""The retrier on the twin: nothing early, nothing lost, nothing twice."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import Progress, progress_of, to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import TransactionAborted, Unavailable
from support.deliveries import START, delivery_value
from support.retrying import HOUR, MINUTE, SECOND, TIERS, RetrierBench

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return RetrierBench()


def headers(record):
    return dict(record.headers())


def test_a_delivery_goes_back_to_its_lane_when_due(bench):
    """The same bytes, the event's key, the headers but for the hops."""
    bench.endpoint()
    value = bench.wait(due_in=5500 * MS)
    (written,) = bench.records("t.retry.5s")

    bench.run(bench.retrier(), 6 * SECOND)

    (copy,) = bench.lane()
    assert copy.value() == written.value()
    assert copy.key() == value["key"]
    expected = headers(written)
    del expected["hops"]
    assert headers(copy) == expected
    assert copy.timestamp()[1] >= to_ms(START + 5500 * MS)


def test_nothing_is_copied_before_it_is_due(bench):
    """Not even when its tier is over."""
    bench.endpoint()
    bench.wait(due_in=5900 * MS)

    bench.run(bench.retrier(), 5800 * MS)

    assert bench.lane() == []


def test_a_null_key_stays_null(bench):
    """A copy is not keyed by anything the event was not."""
    bench.endpoint()
    bench.wait(key=None)

    bench.run(bench.retrier(), 6 * SECOND)

    assert [record.key() for record in bench.lane()] == [None]


def test_a_paused_endpoint_gets_its_retry_in_its_lane(bench):
    """There the deliverer holds it."""
    bench.endpoint(state=EndpointState.PAUSED)
    bench.wait()

    bench.run(bench.retrier(), 6 * SECOND)

    assert len(bench.lane()) == 1


def test_a_disabled_endpoints_retry_is_a_dead_letter(bench):
    """With its reason, and an Attempt without a request."""
    bench.endpoint(state=EndpointState.DISABLED)
    value = bench.wait()

    bench.run(bench.retrier(), 6 * SECOND)

    (dead,) = bench.records("t.dead-letters")
    (attempt,) = bench.attempts()
    assert dead.key() == value["delivery_id"].encode()
    assert progress_of(dead.headers()).reason == "endpoint_disabled"
    assert (attempt["verdict"], attempt["outcome"]) == ("dead", "none")
    assert bench.lane() == []


@pytest.mark.parametrize("state", [EndpointState.DELETED, None])
def test_a_deleted_or_unknown_endpoints_retry_is_cancelled(bench, state):
    """Recorded, and nothing else."""
    if state is not None:
        bench.endpoint(state=state, lane=None)
    bench.wait()

    bench.run(bench.retrier(), 6 * SECOND)

    (attempt,) = bench.attempts()
    assert (attempt["verdict"], attempt["reason"]) == ("cancelled", "endpoint_deleted")
    assert bench.records("t.dead-letters") == []


def test_a_delivery_too_old_expires(bench):
    """From `waiting-since` on."""
    bench.endpoint()
    old = Progress(waiting_since=START - 30 * 24 * HOUR, not_before=START + 5 * SECOND)
    bench.wait(progress=old)

    bench.run(bench.retrier(), 6 * SECOND)

    assert [attempt["reason"] for attempt in bench.attempts()] == ["expired"]
    assert len(bench.records("t.dead-letters")) == 1


def test_an_unknown_endpoint_waits_for_the_table(bench):
    """A table that ends below the record's offset decides nothing."""
    bench.wait(table_offset=1)
    retrier = bench.retrier()

    bench.run(retrier, 20 * SECOND)
    assert bench.attempts() == []
    bench.endpoint()
    bench.run(retrier, 10 * SECOND)

    assert len(bench.lane()) == 1
    assert bench.attempts() == []


def test_an_endpoint_without_a_lane_waits_for_one(bench):
    """Control announces a placement before deliveries; whatever happens, nothing is lost."""
    bench.endpoint(lane=None)
    bench.wait()
    retrier = bench.retrier()

    bench.run(retrier, 20 * SECOND)
    bench.endpoint(revision=2)
    bench.run(retrier, 10 * SECOND)

    assert len(bench.lane()) == 1


def test_a_long_retry_after_hops_and_is_never_early(bench):
    """The next tier gets it when this one is over; three copies at most."""
    bench.endpoint()
    bench.wait(tier=HOUR, due_in=HOUR + 20 * MINUTE)

    retrier = bench.retrier()
    for _ in range(79):
        bench.clock.advance(MINUTE - SECOND)
        bench.run(retrier, SECOND)
    assert bench.lane() == []
    assert [progress_of(r.headers()).hops for r in bench.records("t.retry.5m")] == [2]
    # The third overshoots: at `not-before` it is copied only once its tier hands it out.
    assert [progress_of(r.headers()).hops for r in bench.records("t.retry.1h")] == [1, 3]


def test_bytes_that_are_no_delivery_are_set_aside(bench):
    """Raw, with the error; what waits behind them goes on."""
    bench.endpoint()
    bench.outside.produce("t.retry.5s", b"junk", key=b"k")
    bench.outside.produce("t.retry.5s", None, key=b"k")
    bench.wait()

    bench.run(bench.retrier(), 6 * SECOND)

    assert [record.value() for record in bench.records("t.rejected-events")] == [b"junk", None]
    assert len(bench.lane()) == 1


def test_an_aborted_transaction_is_done_again(bench):
    """Nothing of the first is visible, nothing is lost."""
    bench.endpoint()
    for number in range(5):
        bench.wait(number)
    retrier = bench.retrier()
    bench.cluster.fail_next("commit", TransactionAborted("broken"))

    with pytest.raises(TransactionAborted):
        bench.run(retrier, 6 * SECOND)
    bench.run(retrier, 2 * SECOND)

    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 5


@pytest.mark.parametrize("operation", ["begin", "produce", "send_offsets", "consume", "committed"])
def test_an_unavailable_broker_is_waited_for(bench, operation):
    """Whatever was under way."""
    bench.endpoint()
    bench.wait()
    retrier = bench.retrier()
    if operation != "committed":
        bench.run(retrier, SECOND)
    bench.cluster.fail_next(operation, Unavailable("gone"))

    with pytest.raises(Unavailable):
        bench.run(retrier, 6 * SECOND)
    bench.run(retrier, 8 * SECOND)

    assert len(bench.lane()) == 1


def test_a_killed_retrier_leaves_its_work_to_the_next(bench):
    """What it finished out of order is not done again."""
    bench.endpoint()
    bench.wait(0, due_in=10 * SECOND)
    for number in range(1, 20):
        bench.wait(number, due_in=5 * SECOND)
    bench.run(bench.retrier(), 7 * SECOND)
    assert len(bench.lane()) == 19
    bench.kill()

    bench.run(bench.retrier(), 15 * SECOND)

    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 20


def test_a_killed_transaction_is_done_by_the_next(bench):
    """Its open records are never seen."""
    bench.endpoint()
    bench.wait()
    bench.run(bench.retrier(), SECOND)
    around = bench.around
    around.producer.begin()
    around.producer.produce("t.lane.a", b"half", key=None)
    bench.kill()

    bench.run(bench.retrier(), 15 * SECOND)

    assert [record.value() == b"half" for record in bench.lane()] == [False]


def test_two_retriers_share_the_tiers(bench):
    """Each record is copied by one of them, also across the rebalance."""
    bench.endpoint()
    for number in range(10):
        bench.wait(number)
    first = bench.retrier()
    bench.run(first, 2 * SECOND)
    second = bench.retrier(ordinal=1)
    until = bench.clock.now() + 10 * SECOND
    while bench.clock.now() < until:
        first.step()
        second.step()

    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 10


def test_far_records_are_not_held(bench):
    """Memory is bounded whatever waits: only the head of a tier is read."""
    bench.endpoint()
    for number in range(1_000):
        bench.wait(number, tier=HOUR)
    retrier = bench.retrier()

    bench.run(retrier, 10 * SECOND)
    assert len(retrier._shelf) == 0
    bench.clock.advance(HOUR - MINUTE)
    bench.run(retrier, MINUTE)

    assert len(bench.lane()) == 1_000


def test_the_shelf_is_bounded_and_everything_goes(bench):
    """Where more is due than fits, the rest is read later."""
    bench = RetrierBench(held_records_max=100, transaction_records_max=20)
    bench.endpoint()
    for number in range(500):
        bench.wait(number)
    retrier = bench.retrier()
    most = 0
    until = bench.clock.now() + 30 * SECOND
    while bench.clock.now() < until:
        retrier.step()
        most = max(most, len(retrier._shelf))

    assert most <= 100
    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 500


def test_the_span_is_bounded_and_everything_goes():
    """A late head stops its partition, and nothing behind it is lost."""
    bench = RetrierBench(partitions=1, span_max=10)
    bench.endpoint()
    bench.wait(0, due_in=30 * SECOND)
    for number in range(1, 50):
        bench.wait(number)
    retrier = bench.retrier()

    bench.run(retrier, 20 * SECOND)
    assert len(bench.lane()) < 49
    bench.run(retrier, 20 * SECOND)

    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 50


def test_an_endpoint_with_much_due_does_not_delay_another(bench):
    """They take turns in every transaction."""
    bench = RetrierBench(transaction_records_max=10)
    bench.endpoint("ep_a")
    bench.endpoint("ep_b")
    for number in range(100):
        bench.wait(number, endpoint_id="ep_a")
    bench.wait(100, endpoint_id="ep_b")
    retrier = bench.retrier()
    while not bench.lane("ep_b"):
        retrier.step()

    assert len(bench.lane("ep_a")) <= 10


def test_releases_in_the_metadata_are_kept(bench):
    """Another kind of field beside the offsets stays as it is."""
    bench.endpoint()
    bench.wait()
    retrier = bench.retrier()
    bench.run(retrier, SECOND)
    for tier in retrier._tiers.assigned.values():
        tier.fields["r"] = "ep_a.0.9"

    bench.run(retrier, 10 * SECOND)

    assert all("r=ep_a.0.9" in committed.metadata for committed in bench.commits().values())


def test_unreadable_metadata_makes_it_not_ready(bench):
    """Guessing would lose or double what waits there."""
    bench.endpoint()
    bench.wait()
    bench.run(bench.retrier(), SECOND)
    for partition, committed in bench.commits().items():
        broken = type(committed)(offset=committed.offset, metadata="v9;x")
        bench.cluster.groups["t.retrier"].commits[partition] = broken
    bench.kill()
    retrier = bench.retrier()

    bench.run(retrier, 15 * SECOND)

    assert retrier.not_ready() == "commits of 2 tier partitions can't be read"
    assert bench.lane() == []


def test_a_record_from_our_future_is_an_alarm(bench):
    """Our clock is behind: at one second a line, at five not ready."""
    bench.endpoint()
    bench.clock.advance(MINUTE)
    bench.wait()
    bench.clock._now -= 10 * SECOND
    retrier = bench.retrier()

    assert retrier.not_ready() is None
    bench.run(retrier, SECOND)

    assert retrier.not_ready() == "our clock is 10.0 s behind the brokers'"
    assert [line["what"] for line in bench.lines if line["level"] == "error"] == ["clock.skewed"]
    bench.run(retrier, 2 * MINUTE)
    assert retrier.not_ready() is None


def test_a_clean_stop_leaves_what_waits(bench):
    """The next owner copies it, when due."""
    bench.endpoint()
    bench.wait()
    retrier = bench.retrier()
    bench.run(retrier, SECOND)
    retrier.stop()

    bench.admin = bench.cluster.admin()
    bench.run(bench.retrier(), 6 * SECOND)

    assert [record.value() for record in bench.lane()] == [
        record.value() for record in bench.records("t.retry.5s")
    ]


def test_it_is_not_ready_before_it_started(bench):
    """The table first."""
    retrier = bench.retrier()
    retrier._started = False

    assert retrier.not_ready() == "the endpoint table is not read"


def test_its_position_is_told(bench):
    """Lane deletion waits for every process's position."""
    bench.endpoint()
    bench.run(bench.retrier(), SECOND)

    assert [record.key() for record in bench.records("t.positions")] == [b"t.retrier.0"]


def test_the_value_is_the_same_through_all_tiers(bench):
    """Payload bytes never change between attempts."""
    bench.endpoint()
    payload = bytes(range(256))
    bench.wait(tier=TIERS[1], payload=payload)

    bench.run(bench.retrier(), TIERS[1] + SECOND)

    (copy,) = bench.lane()
    assert copy.value().endswith(payload)
    assert delivery_value(payload=payload)["payload"] == payload
