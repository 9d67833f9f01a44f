"""What all lanes share ends every start, and is shared in turns; on the twin."""

import pytest

from hooklane.domain.errors import TransactionAborted
from support.posting import (
    OK,
    SECOND,
    DelivererBench,
    answer_all,
)


@pytest.fixture
def bench():
    return DelivererBench()


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
