"""A failure settles its delivery, and may hold its lane."""

import pytest

from hooklane.adapters.http.port import Outcome
from hooklane.adapters.metrics import DELIVERIES_SPARED
from hooklane.domain.delivery import Progress, progress_of, to_ms
from support.posting import (
    OK,
    SECOND,
    TIERS,
    DelivererBench,
    answer_all,
    failed,
    status,
)


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


def exhausted(bench, *, spared=0):
    return Progress(
        waiting_since=bench.clock.now(), attempts_made=2, schedule_step=len(TIERS), spared=spared
    )


def guard(bench, *, until):
    bench.probe(bench.endpoint("ep_z"), kind="guard", until=to_ms(until))


@pytest.mark.parametrize("spared", [0, 1, 2])
def test_under_the_guard_the_exhausted_takes_the_last_tier_again(bench, spared):
    """It does not climb; a header counts how often it was spared."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, progress=exhausted(bench, spared=spared))
    answer_all(bench, status(500))
    guard(bench, until=bench.clock.now() + 60 * SECOND)
    before = DELIVERIES_SPARED._value.get()

    bench.run(bench.deliverer(), 2 * SECOND)

    (retry,) = bench.retries(TIERS[-1])
    progress = progress_of(retry.headers())
    assert (progress.spared, progress.schedule_step, progress.attempts_made) == (spared + 1, 2, 3)
    assert TIERS[-1] <= progress.not_before - bench.clock.now() + 2 * SECOND
    assert (bench.dead(), DELIVERIES_SPARED._value.get() - before) == ([], 1)
    assert [value["verdict"] for value in bench.attempts()] == ["retry"]


def test_the_guard_spares_a_delivery_three_times(bench):
    """Then it rests in the dead letters like any other."""
    bench.deliver(bench.endpoint(), progress=exhausted(bench, spared=3))
    answer_all(bench, status(500))
    guard(bench, until=bench.clock.now() + 60 * SECOND)

    bench.run(bench.deliverer(), 2 * SECOND)

    (dead,) = bench.dead()
    assert progress_of(dead.headers()).reason == "exhausted"


def test_a_guard_that_is_over_spares_nothing(bench):
    """It ends by itself, at the time that was told."""
    endpoint = bench.endpoint()
    guard(bench, until=bench.clock.now() + 10 * SECOND)
    deliverer = bench.deliverer()
    bench.run(deliverer, 11 * SECOND)
    bench.deliver(endpoint, progress=exhausted(bench))
    answer_all(bench, status(500))

    bench.run(deliverer, 2 * SECOND)

    assert len(bench.dead()) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(status(410), "gone"), (failed(Outcome.BLOCKED), "address_refused"),
     (failed(Outcome.FAILED), "internal")],
)  # fmt: skip
def test_the_guard_spares_exhaustion_alone(bench, answer, reason):
    """What another attempt would not mend stays dead."""
    bench.deliver(bench.endpoint(), progress=exhausted(bench))
    answer_all(bench, answer)
    guard(bench, until=bench.clock.now() + 60 * SECOND)

    bench.run(bench.deliverer(), 2 * SECOND)

    (dead,) = bench.dead()
    assert progress_of(dead.headers()).reason == reason
