"""The replayer killed, cut off and moved: nothing redriven twice, nothing left."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from support.replaying import ReplayerBench


@pytest.fixture
def bench():
    made = ReplayerBench()
    made.endpoint()
    return made


def ids(values):
    return {value["delivery_id"] for value in values}


@pytest.mark.parametrize("steps", range(1, 40, 3))
def test_a_killed_replayers_redrive_goes_on_where_it_was(steps):
    """Whenever it is killed: nothing redriven twice, nothing left."""
    bench = ReplayerBench(partitions=2, transaction_records_max=8, ids_max=15)
    bench.endpoint()
    values = [bench.die(number) for number in range(60)]
    bench.ask()
    replayer = bench.replayer()
    for _ in range(steps):
        replayer.step()
    bench.kill()

    bench.run(bench.replayer())

    assert sorted(bench.lane()) == sorted(ids(values))
    assert bench.resting() == set()


@pytest.mark.parametrize("operation", ["produce", "send_offsets", "commit"])
def test_an_aborted_transaction_is_done_again(operation):
    """From the last commit on."""
    bench = ReplayerBench(transaction_records_max=8)
    bench.endpoint()
    values = [bench.die(number) for number in range(30)]
    bench.ask()
    replayer = bench.replayer()
    while not bench.lane():
        replayer.step()
    bench.cluster.fail_next(operation, TransactionAborted("broken"))

    with pytest.raises(TransactionAborted):
        bench.run(replayer)
    bench.run(replayer)

    assert sorted(bench.lane()) == sorted(ids(values))


def test_a_crash_right_after_a_commit_doubles_nothing():
    """The cursor is in the same transaction."""
    bench = ReplayerBench(transaction_records_max=8)
    bench.endpoint()
    values = [bench.die(number) for number in range(30)]
    bench.ask()
    bench.cluster.fail_next("commit", Fenced("crashed"), after=True)
    with pytest.raises(Fenced):
        bench.run(bench.replayer())
    bench.kill()

    bench.run(bench.replayer())

    assert sorted(bench.lane()) == sorted(ids(values))


def test_a_broker_away_is_waited_for(bench):
    """Between rounds as within them."""
    bench.die()
    bench.ask()
    replayer = bench.replayer()
    for operation in ("consume", "committed", "read", "admin", "commit_offsets"):
        bench.cluster.fail_next(operation, Unavailable("gone"))
    for _ in range(10):
        try:
            bench.run(replayer)
        except Unavailable:
            continue

    assert len(bench.lane()) == 1


def test_a_redrive_moves_with_its_partition():
    """The one who gets the line goes on with the cursor."""
    bench = ReplayerBench(partitions=2, commands=2, transaction_records_max=4)
    for endpoint_id in ("ep_a", "ep_b", "ep_c"):
        bench.endpoint(endpoint_id)
        for number in range(20):
            bench.die(number, endpoint_id=endpoint_id)
        bench.ask(endpoint_id=endpoint_id)
    first = bench.replayer()
    while not bench.lane("ep_a"):
        first.step()
    second = bench.replayer(ordinal=1)

    bench.run(first, second)

    lanes = [bench.lane(endpoint_id) for endpoint_id in ("ep_a", "ep_b", "ep_c")]
    assert [(len(lane), len(set(lane))) for lane in lanes] == [(20, 20)] * 3


def test_an_unreadable_cursor_makes_it_not_ready(bench):
    """Guessing might redrive twice."""
    bench.ask()
    bench.run(bench.replayer())
    commits = bench.cluster.groups["t.replayer"].commits
    for partition, committed in commits.items():
        commits[partition] = type(committed)(offset=0, metadata="v1;c=0;p=x")
    bench.kill()
    replayer = bench.replayer()
    bench.clock.advance(timedelta(seconds=10))
    for _ in range(5):
        replayer.step()

    assert replayer.not_ready() == "commits of 1 commands partitions can't be read"


def test_a_clean_stop_keeps_the_cursor():
    """The next one goes on."""
    bench = ReplayerBench(transaction_records_max=8)
    bench.endpoint()
    values = [bench.die(number) for number in range(30)]
    bench.ask()
    replayer = bench.replayer()
    while not bench.lane():
        replayer.step()
    replayer.stop()

    bench.run(bench.replayer())

    assert sorted(bench.lane()) == sorted(ids(values))
