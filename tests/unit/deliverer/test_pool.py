"""A partition of the pool: fair within, never held, and left by who moves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import Progress, progress_of
from hooklane.domain.endpoint import EndpointState, Placement
from hooklane.domain.errors import TransactionAborted
from support.deliveries import delivery_bytes, delivery_value
from support.pooling import POOL, PoolBench
from support.posting import OK, SECOND, TIERS, TOPICS, status


@pytest.fixture
def bench():
    return PoolBench(pool_in_flight_per_endpoint_max=2, pool_waiting_per_endpoint_max=5)


def test_endpoints_share_a_partition(bench):
    """Each gets its own deliveries, all are finished, none goes on."""
    first, second = bench.pooled("ep_a"), bench.pooled("ep_b")
    deliverer = bench.deliverer()
    expected = [*bench.pour(first, 3), *bench.pour(second, 3), *bench.pour(first, 1)]
    bench.run(deliverer, 3 * SECOND)
    assert sorted(expected) == sorted(bench.sender.event_ids)
    assert (len(bench.to(first)), len(bench.to(second)), bench.left()) == (4, 3, 0)
    assert bench.retries() == []


def test_one_that_hangs_takes_its_share_and_no_more(bench):
    """What is too much for it waits in a tier; others do not notice."""
    slow, quick = bench.pooled("ep_a"), bench.pooled("ep_b")
    bench.sender.rule = lambda request: (
        (60, OK) if request.context.delivery["endpoint_id"] == "ep_a" else (0.01, OK)
    )
    deliverer = bench.deliverer()
    bench.pour(slow, 20)
    expected = bench.pour(quick, 5)
    bench.run(deliverer, 2 * SECOND)
    assert sorted(a["event_id"] for a in bench.to(quick)) == expected
    assert bench.sender.open_count == 2
    assert len(bench.retries()) == 20 - 2 - 5


def test_the_partition_s_limit_is_taken_in_turns(bench):
    """Nobody starves behind who comes first."""
    bench = PoolBench(pool_in_flight_max=2, pool_in_flight_per_endpoint_max=2)
    first, second = bench.pooled("ep_a"), bench.pooled("ep_b")
    bench.sender.rule = lambda _: (0.1, OK)
    deliverer = bench.deliverer()
    bench.pour(first, 20)
    bench.pour(second, 2)
    bench.run(deliverer, SECOND)
    assert len(bench.to(second)) == 2
    bench.run(deliverer, 5 * SECOND)
    assert (len(bench.to(first)), bench.left()) == (20, 0)


def test_what_is_held_goes_on_and_comes_back_when_it_is_due(bench):
    """No attempt is counted; the partition is not held."""
    held, other = bench.pooled("ep_a"), bench.pooled("ep_b")
    refused = status(429, retry_after="120")
    bench.sender.rule = lambda request: (
        (0.01, refused) if request.context.delivery["endpoint_id"] == "ep_a" else (0.01, OK)
    )
    deliverer = bench.deliverer()
    bench.pour(held, 1)
    bench.run(deliverer, SECOND)
    bench.pour(held, 3)
    bench.pour(other, 2)
    bench.run(deliverer, 2 * SECOND)
    passed = bench.retries()
    assert (len(bench.to(held)), len(bench.to(other)), bench.left()) == (1, 2, 0)
    waits = [progress_of(record.headers()) for record in passed]
    assert [one.attempts_made for one in waits if one.schedule_step == 0] == [0, 0, 0]
    assert all(one.not_before - bench.clock.now() > 115 * SECOND for one in waits)


@pytest.mark.parametrize("state", [EndpointState.ACTIVE, EndpointState.PAUSED])
def test_who_moved_finds_what_it_had_in_its_new_lane(bench, state):
    """The same bytes, key and headers, once; there it is sent, or held."""
    endpoint = bench.own(bench.pooled(), state=state)
    (event_id,) = bench.pour(endpoint)
    (before,) = bench.records(POOL.topic)
    bench.run(bench.deliverer(), 3 * SECOND)
    (copy,) = bench.records(endpoint.placement.topic)
    assert (copy.value(), copy.key()) == (before.value(), before.key())
    assert copy.headers() == before.headers()
    sent = [event_id] if state is EndpointState.ACTIVE else []
    assert (bench.sender.event_ids, bench.left()) == (sent, 0)
    assert len(bench.attempts()) == len(sent)


def append(bench, endpoint):
    """Append a delivery to the lane that the endpoint has now."""
    value = delivery_bytes(delivery_value(900, endpoint_id=endpoint.endpoint_id))
    headers = Progress(waiting_since=bench.clock.now()).headers()
    bench.writer.produce(endpoint.placement.topic, value, key=b"k", headers=headers)
    bench.writer.flush(SECOND)


def test_what_is_passed_on_keeps_a_later_not_before_of_its_own(bench):
    """A hold that ends sooner does not make it due sooner."""
    endpoint = bench.pooled()
    bench.sender.rule = lambda _: (0.01, status(429, retry_after="20"))
    deliverer = bench.deliverer()
    bench.pour(endpoint)
    bench.run(deliverer, SECOND)
    due = bench.clock.now() + timedelta(minutes=10)
    bench.pour(endpoint, not_before=due)
    bench.run(deliverer, SECOND)
    waits = [progress_of(record.headers()) for tier in TIERS for record in bench.retries(tier)]
    assert [one.not_before for one in waits if one.attempts_made == 0] == [due]


def test_a_hold_goes_along_with_who_moves(bench):
    """What is copied is not due before, and what was written to the new lane waits too."""
    pooled = bench.pooled()
    sent = []
    bench.sender.rule = lambda _: (
        sent.append(bench.clock.now()),
        (0.01, OK if len(sent) > 1 else status(429, retry_after="120")),
    )[1]
    deliverer = bench.deliverer()
    bench.pour(pooled)
    bench.run(deliverer, SECOND)
    held_until = sent[0] + 120 * SECOND
    endpoint = bench.own(pooled)
    bench.pour(endpoint)
    append(bench, endpoint)
    bench.run(deliverer, 3 * SECOND)
    waits = [progress_of(r.headers()).not_before for r in bench.records(endpoint.placement.topic)]
    assert [at >= held_until for at in waits if at is not None] == [True]
    assert (len(sent), bench.left()) == (1, 0)
    bench.run(deliverer, 120 * SECOND)
    assert len(sent) == 3
    assert all(at >= held_until for at in sent[1:])


def test_a_copy_keeps_a_later_not_before_than_the_hold(bench):
    """It is not due sooner in its new lane."""
    pooled = bench.pooled()
    bench.sender.rule = lambda _: (0.01, status(429, retry_after="20"))
    deliverer = bench.deliverer()
    bench.pour(pooled)
    bench.run(deliverer, SECOND)
    endpoint = bench.own(pooled)
    due = bench.clock.now() + timedelta(minutes=10)
    bench.pour(endpoint, not_before=due)
    bench.run(deliverer, 2 * SECOND)
    (copy,) = bench.records(endpoint.placement.topic)
    assert progress_of(copy.headers()).not_before == due


def test_a_paused_endpoint_that_is_still_here_holds_nobody(bench):
    """Control moves it in the same revision; were it not so, its deliveries go on."""
    bench.pour(bench.pooled(state=EndpointState.PAUSED), 2)
    other = bench.pooled("ep_b")
    bench.pour(other)
    bench.run(bench.deliverer(), 2 * SECOND)
    assert (len(bench.retries()), bench.left(), len(bench.to(other))) == (2, 0, 1)


def test_one_that_is_gone_is_passed_on_until_it_is_disabled(bench):
    """After a 410 nothing is sent; then all it has is dead."""
    endpoint = bench.pooled()
    bench.sender.rule = lambda _: (0.01, status(410))
    deliverer = bench.deliverer()
    bench.pour(endpoint)
    bench.run(deliverer, SECOND)
    bench.pour(endpoint, 2)
    bench.run(deliverer, SECOND)
    assert (len(bench.sender.event_ids), len(bench.retries()), bench.left()) == (1, 2, 0)
    bench.change(endpoint, state=EndpointState.DISABLED)
    bench.pour(endpoint, 2)
    bench.run(deliverer, 2 * SECOND)
    assert (len(bench.dead()), bench.left()) == (3, 0)


def test_of_a_deleted_endpoint_nothing_is_left(bench):
    """What it has in the pool is cancelled, also once its record is gone."""
    endpoint = bench.pooled()
    bench.change(endpoint, state=EndpointState.DELETED)
    other = bench.pooled("ep_b")
    bench.pour(endpoint, 2)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.tombstone(endpoint)
    bench.pour(endpoint, 2)
    bench.run(deliverer, 2 * SECOND)
    assert {a["verdict"] for a in bench.to(endpoint)} == {"cancelled"}
    assert (len(bench.to(endpoint)), bench.left(), bench.to(other)) == (4, 0, [])


def test_bytes_that_are_no_delivery_are_set_aside(bench):
    """They belong to nobody and hold nobody."""
    endpoint = bench.pooled()
    bench.writer.produce(POOL.topic, b"no delivery", key=None, partition=0)
    bench.pour(endpoint)
    bench.run(bench.deliverer(), 2 * SECOND)
    assert (len(bench.records(TOPICS.rejected_events)), bench.left()) == (1, 0)
    assert len(bench.to(endpoint)) == 1


def test_what_is_not_yet_due_waits_or_goes_on(bench):
    """Beyond a few it waits in a tier."""
    endpoint = bench.pooled()
    due = bench.clock.now() + 2 * SECOND
    for number in range(70):
        value = delivery_value(number, endpoint_id=endpoint.endpoint_id)
        headers = Progress(waiting_since=bench.clock.now(), not_before=due).headers()
        bench.writer.produce(
            POOL.topic, delivery_bytes(value), key=b"k", headers=headers, partition=0
        )
    bench.writer.flush(SECOND)
    bench.settings = bench.settings.model_copy(update={"pool_waiting_per_endpoint_max": 100})
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    assert (bench.sender.event_ids, len(bench.retries())) == ([], 6)
    bench.run(deliverer, 4 * SECOND)
    assert (len(bench.sender.event_ids), bench.left()) == (64, 0)


def test_a_backlog_is_read_in_bounded_memory_and_loses_nothing():
    """What is forgotten and read again is begun once."""
    bench = PoolBench(
        lane_buffered_records_max=40, buffered_records_max=60, held_records_max=100,
        pool_waiting_per_endpoint_max=1_000, pool_in_flight_per_endpoint_max=1,
    )  # fmt: skip
    endpoints = [bench.pooled(f"ep_{name}") for name in "abc"]
    expected = [e for _ in range(80) for endpoint in endpoints for e in bench.pour(endpoint, 2)]
    bench.sender.rule = lambda _: (0.02, OK)
    bench.run(bench.deliverer(), 20 * SECOND)
    assert sorted(expected) == sorted(bench.sender.event_ids)
    assert bench.left() == 0


def test_a_killed_deliverer_s_partition_goes_on_exactly_where_it_was(bench):
    """Moved and passed-on deliveries are neither lost nor doubled."""
    endpoint = bench.own(bench.pooled())
    other = bench.pooled("ep_b")
    first = bench.deliverer()
    events = bench.pour(endpoint, 10)
    bench.pour(other, 3)
    bench.run(first, timedelta(milliseconds=120))
    bench.kill(first)
    bench.run(bench.deliverer(), 30 * SECOND)
    copies = bench.records(endpoint.placement.topic)
    assert len({copy.value() for copy in copies}) == len(copies) == 10
    assert {a["event_id"] for a in bench.to(endpoint)} == set(events)
    assert bench.left() == 0


def test_a_former_lane_is_read_until_it_is_none(bench):
    """What lies there is sent from there."""
    made = bench.endpoint()
    bench.deliver(made, 2)
    pooled = bench.change(
        made, placement=Placement(topic=POOL.topic, partition=0, epoch=1), former=(made.placement,)
    )
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    assert len(bench.to(made)) == 2
    bench.change(pooled, former=())
    bench.run(deliverer, 2 * SECOND)
    assert {p.topic for p in deliverer._assignment.readings} == {POOL.topic}


def test_a_probe_goes_from_the_partition(bench):
    """As from a lane of its own."""
    endpoint = bench.pooled()
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.probe(endpoint)
    bench.run(deliverer, SECOND)
    assert [a["trigger"] for a in bench.attempts()] == ["probe"]


def test_a_move_is_told_as_read_only_once_it_is_committed(bench):
    """Else the lane that a copy is still on its way to might be taken away."""
    endpoint = bench.own(bench.pooled())
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.pour(endpoint)
    for _ in range(20):
        bench.cluster.fail_next("commit", TransactionAborted("simulated"))
    while not deliverer._ticker.has_moves:
        bench.run(deliverer, timedelta(milliseconds=20))
    before = told(bench)
    bench.own(replace(endpoint, endpoint_id="ep_c"))
    bench.run(deliverer, timedelta(milliseconds=400))
    assert told(bench) == before
    bench.cluster._faults.clear()
    bench.run(deliverer, 2 * SECOND)
    assert told(bench) > before
    assert len(bench.records(endpoint.placement.topic)) == 1


def told(bench):
    return codec("position").decode(bench.records(TOPICS.positions)[-1].value())["table_offset"]
