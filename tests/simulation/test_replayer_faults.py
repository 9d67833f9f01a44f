"""The replayer killed, cut off and moved: nothing redriven twice, nothing left."""

import contextlib
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
        commits[partition] = type(committed)(offset=0, metadata="v1;k=x")
    bench.kill()
    replayer = bench.replayer()
    bench.clock.advance(timedelta(seconds=10))
    for _ in range(5):
        replayer.step()

    assert replayer.not_ready() == "commits of 1 commands partitions can't be read"


def past(count=60, *, commands=1, **settings):
    bench = ReplayerBench(commands=commands, **settings)
    bench.source(partitions=2)
    bench.endpoint()
    for number in range(count):
        tenant = "globex" if number % 5 == 0 else "acme"
        bench.publish(number, partition=number % 2, tenant=tenant)
    bench.publish(value=b"junk", partition=0)
    return bench


RANGES = (("events.order", 0, 2, 31), ("events.order", 1, 0, 30))


def places(bench):
    return [(d["source"]["partition"], d["source"]["offset"]) for d in bench.deliveries()]


def wanted():
    """Give what of the ranges is the endpoint's: every fifth event is another tenant's."""
    numbers = [n for n in range(60) if n % 5 and (n % 2 or n // 2 >= 2)]
    return sorted((number % 2, number // 2) for number in numbers)


@pytest.mark.parametrize("steps", range(1, 34))
def test_a_killed_replayers_replay_goes_on_where_it_was(steps):
    """Whenever it is killed, twice: no gap, nothing twice, an exact count, a receipt each."""
    bench = past(transaction_records_max=6, read_records_max=5)
    bench.replay(*RANGES)
    for _ in range(2):
        replayer = bench.replayer()
        for _ in range(steps):
            replayer.step()
        bench.kill()

    bench.run(bench.replayer())

    assert sorted(places(bench)) == wanted()
    assert len(bench.receipts()) == len(wanted())
    (outcome,) = bench.told().outcomes
    assert (outcome.cursor.count, outcome.cursor.seen, outcome.cursor.refused) == (
        len(wanted()), 59, 1,
    )  # fmt: skip


@pytest.mark.parametrize("operation", ["produce", "send_offsets", "commit"])
@pytest.mark.parametrize("after", range(1, 4))
def test_an_aborted_transaction_of_a_replay_is_done_again(operation, after):
    """From the last commit on."""
    bench = past(transaction_records_max=6, read_records_max=5)
    bench.replay(*RANGES)
    replayer = bench.replayer()
    while len(bench.deliveries()) < after * 3:
        replayer.step()
    bench.cluster.fail_next(operation, TransactionAborted("broken"))
    with pytest.raises(TransactionAborted):
        bench.run(replayer)

    bench.run(replayer)

    assert sorted(places(bench)) == wanted()


def test_a_crash_right_after_a_replays_commit_doubles_nothing():
    """The cursor is in the same transaction."""
    bench = past(transaction_records_max=6)
    bench.replay(*RANGES)
    bench.cluster.fail_next("commit", Fenced("crashed"), after=True)
    with pytest.raises(Fenced):
        bench.run(bench.replayer())
    bench.kill()

    bench.run(bench.replayer())

    assert sorted(places(bench)) == wanted()


def test_a_broker_away_in_the_middle_of_a_replay_is_waited_for():
    """Between rounds as within them."""
    bench = past(transaction_records_max=6)
    bench.replay(*RANGES)
    replayer = bench.replayer()
    for operation in ("consume", "committed", "read", "admin", "commit_offsets", "ends") * 2:
        bench.cluster.fail_next(operation, Unavailable("gone"))
        for _ in range(4):
            with contextlib.suppress(Unavailable):
                replayer.step()
    for _ in range(20):
        with contextlib.suppress(Unavailable):
            bench.run(replayer)

    assert sorted(places(bench)) == wanted()


def test_many_commands_of_one_line_are_each_done_once_whatever_is_killed():
    """Replays, resends, redrives and a cancel beside each other, out of their order."""
    bench = past(transaction_records_max=6, read_records_max=5)
    bench.endpoint("ep_b")
    dead = [bench.die(number, endpoint_id="ep_b") for number in range(20)]
    bench.replay(*RANGES, rate_per_s=50)
    bench.replay(*RANGES, endpoint_id="ep_b", command_id="cmd_b")
    bench.ask(endpoint_id="ep_b", command_id="cmd_c")
    bench.replay(("events.order", 1, 0, 30), rate_per_s=1, command_id="cmd_d")
    bench.ask("cancel", command_id="cmd_e", target="cmd_d")
    for number in range(10):
        steps = number % 7 + 3
        replayer = bench.replayer()
        for _ in range(steps):
            replayer.step()
        bench.kill()

    bench.run(bench.replayer())

    mine = [d for d in bench.deliveries() if d["command_id"] == "cmd_a"]
    assert len({d["delivery_id"] for d in mine}) == len(mine) == len(wanted())
    theirs = bench.lane("ep_b")
    assert len(set(theirs)) == len(theirs) == len(wanted()) + len(dead)
    ended = {o.cursor.command_id: o.ending.value for o in bench.told().outcomes}
    assert ended == {"cmd_a": "finished", "cmd_b": "finished", "cmd_d": "cancelled"}


def test_a_replay_moves_with_its_partition():
    """The one who gets the line goes on with the cursor."""
    bench = past(commands=2, transaction_records_max=4)
    for endpoint_id in ("ep_b", "ep_c"):
        bench.endpoint(endpoint_id)
    for endpoint_id in ("ep_a", "ep_b", "ep_c"):
        bench.replay(*RANGES, endpoint_id=endpoint_id)
    first = bench.replayer()
    while not bench.lane("ep_a"):
        first.step()
    second = bench.replayer(ordinal=1)

    bench.run(first, second)

    lanes = [bench.lane(endpoint_id) for endpoint_id in ("ep_a", "ep_b", "ep_c")]
    assert [(len(lane), len(set(lane))) for lane in lanes] == [(len(wanted()),) * 2] * 3


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
