"""The replayer on the twin: what is asked goes again, once, and nothing else."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import Progress, progress_of, to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.topics import Partition
from support.deliveries import START, delivery_bytes
from support.replaying import ReplayerBench


@pytest.fixture
def bench():
    made = ReplayerBench()
    made.endpoint()
    return made


def ids(values):
    return {value["delivery_id"] for value in values}


def test_a_redrive_puts_dead_letters_back_in_their_lane(bench):
    """The same bytes and id, the event's key, the schedule begun anew; a tombstone for each."""
    value = bench.die()
    (dead,) = bench.records("t.dead-letters")
    bench.clock.advance(timedelta(hours=1))
    bench.ask()

    bench.run(bench.replayer())

    (copy,) = bench.records("t.lane.a")
    assert (copy.value(), copy.key()) == (dead.value(), value["key"])
    before, after = progress_of(dead.headers()), progress_of(copy.headers())
    assert after == before.redriven(at=after.waiting_since)
    assert after.waiting_since >= START + timedelta(hours=1)
    tombstone = bench.records("t.dead-letters")[-1]
    assert (tombstone.key(), tombstone.value()) == (dead.key(), None)
    assert tombstone.partition() == dead.partition()


def test_only_the_named_endpoints_go(bench):
    """Another's stay where they are."""
    bench.endpoint("ep_b")
    mine = [bench.die(number) for number in range(5)]
    others = [bench.die(number, endpoint_id="ep_b") for number in range(5)]
    bench.ask()

    bench.run(bench.replayer())

    assert set(bench.lane()) == ids(mine)
    assert bench.resting() == ids(others)
    assert bench.lane("ep_b") == []


def test_a_reason_may_be_named(bench):
    """Others stay."""
    gone, other = bench.die(0, reason="gone"), bench.die(1)
    bench.ask(reason="gone")

    bench.run(bench.replayer())

    assert bench.lane() == [gone["delivery_id"]]
    assert bench.resting() == {other["delivery_id"]}


def test_a_time_may_be_named(bench):
    """What died before it stays."""
    old = bench.die(0)
    bench.clock.advance(timedelta(hours=1))
    new = bench.die(1)
    bench.ask(since=to_ms(START + timedelta(hours=1)))

    bench.run(bench.replayer())

    assert bench.lane() == [new["delivery_id"]]
    assert bench.resting() == {old["delivery_id"]}


def test_ids_may_be_named(bench):
    """Only they go."""
    values = [bench.die(number) for number in range(3)]
    bench.ask(delivery_ids=[values[1]["delivery_id"], "dlv_unknown"])

    bench.run(bench.replayer())

    assert bench.lane() == [values[1]["delivery_id"]]


@pytest.mark.parametrize("count_max", [1, 3, 7, 20])
def test_a_count_may_be_named(count_max):
    """At most so many, in all partitions together, in however many transactions."""
    bench = ReplayerBench(partitions=3, transaction_records_max=4)
    bench.endpoint()
    for number in range(10):
        bench.die(number)
    bench.ask(count_max=count_max)

    bench.run(bench.replayer())

    assert len(bench.lane()) == min(count_max, 10)
    assert len(bench.resting()) == 10 - min(count_max, 10)


def test_the_last_record_of_a_delivery_counts(bench):
    """What was redriven is none; what died again is one, by its last reason."""
    bench.die(0)
    bench.ask()
    replayer = bench.replayer()
    bench.run(replayer)
    bench.ask()
    bench.run(replayer)
    assert len(bench.lane()) == 1

    bench.die(0, reason="gone")
    bench.ask(reason="exhausted")
    bench.run(replayer)
    assert len(bench.lane()) == 1
    bench.ask(reason="gone")
    bench.run(replayer)

    assert len(bench.lane()) == 2


def test_what_was_redriven_behind_an_open_transaction_is_not_redriven_again(bench):
    """A tombstone that readers can't see yet counts: the scan waits for it."""
    bench.die(0)
    bench.ask()
    replayer = bench.replayer()
    while not bench.logged("command.begun"):
        replayer.step()
    dying = bench.cluster.transactional_producer(transactional_id="t.deliverer.0")
    dying.begin()
    for partition in range(2):
        dying.produce(bench.topics.dead_letters, b"another", key=b"dlv_x", partition=partition)
    bench.run(replayer)
    assert len(bench.lane()) == 1

    bench.ask()
    for _ in range(50):
        replayer.step()
    dying.abort()
    bench.run(replayer)

    assert len(bench.lane()) == 1


def test_what_dies_after_the_command_began_is_not_picked_up(bench):
    """The ends are noted when it is begun."""
    bench.die(0)
    bench.ask()
    replayer = bench.replayer()
    while not bench.logged("command.begun"):
        replayer.step()
    late = bench.die(1)

    bench.run(replayer)

    assert len(bench.lane()) == 1
    assert bench.resting() == {late["delivery_id"]}


@pytest.mark.parametrize(
    "fields",
    [{"state": EndpointState.DISABLED}, {"state": EndpointState.DELETED, "lane": None}],
)
def test_a_disabled_or_deleted_endpoints_dead_letters_stay(bench, fields):
    """And the command is passed."""
    value = bench.die()
    bench.endpoint(revision=2, **fields)
    bench.ask()

    bench.run(bench.replayer())

    assert bench.lane() == []
    assert bench.resting() == {value["delivery_id"]}
    assert len(bench.logged("command.refused")) == 1


def test_an_endpoint_disabled_in_the_middle_keeps_the_rest():
    """Each batch looks at the table again."""
    bench = ReplayerBench(partitions=1, transaction_records_max=4)
    bench.endpoint()
    for number in range(10):
        bench.die(number)
    bench.ask()
    replayer = bench.replayer()
    while not bench.lane():
        replayer.step()
    bench.endpoint(revision=2, state=EndpointState.DISABLED)

    bench.run(replayer)

    assert len(bench.lane()) == 2
    assert len(bench.resting()) == 8


def test_a_paused_endpoints_dead_letters_go_to_its_lane(bench):
    """There they are held."""
    bench.die()
    bench.endpoint(revision=2, state=EndpointState.PAUSED)
    bench.ask()

    bench.run(bench.replayer())

    assert len(bench.lane()) == 1


@pytest.mark.parametrize("kind", ["disable", "send_now", "probe"])
def test_other_commands_are_passed(bench, kind):
    """They are somebody else's."""
    bench.ask(kind)
    bench.ask()
    bench.die()

    bench.run(bench.replayer())

    assert [line["kind"] for line in bench.logged("command.passed")] == [kind]
    assert len(bench.lane()) == 1


def test_what_is_no_command_is_passed_with_an_error(bench):
    """A newer release's kind too."""
    bench.outside.produce("t.commands", b"junk", key=b"ep_a")
    bench.ask("unknown")
    bench.ask()
    bench.die()

    bench.run(bench.replayer())

    assert [line["level"] for line in bench.logged("command.unreadable")] == ["error"]
    assert [line["level"] for line in bench.logged("command.passed")] == ["error"]
    assert len(bench.lane()) == 1


def test_unreadable_dead_letters_stay(bench):
    """They name no endpoint, or no progress."""
    bench.outside.produce("t.dead-letters", b"junk", key=b"dlv_junk")
    bench.outside.produce("t.dead-letters", b"junk", key=None)
    broken = bench.die(0, headers=[("reason", b"exhausted")])
    bench.die(1)
    bench.ask()

    bench.run(bench.replayer())

    assert len(bench.lane()) == 1
    assert broken["delivery_id"] in {
        record.key().decode() for record in bench.records("t.dead-letters") if record.key()
    }
    assert len(bench.logged("dead_letter.unreadable")) == 1


def test_memory_is_bounded_by_slices():
    """Where ids are too many for one scan, all go nevertheless, once."""
    bench = ReplayerBench(partitions=2, ids_max=20, transaction_records_max=10)
    bench.endpoint()
    values = [bench.die(number) for number in range(300)]
    bench.ask()

    bench.run(bench.replayer())

    assert sorted(bench.lane()) == sorted(ids(values))
    assert bench.resting() == set()


def test_commands_of_several_partitions_take_turns():
    """One endpoint's long redrive does not stop another's."""
    bench = ReplayerBench(partitions=4, commands=4)
    for number in range(6):
        bench.endpoint(f"ep_{number}")
        bench.die(number, endpoint_id=f"ep_{number}")
        bench.ask(endpoint_id=f"ep_{number}")

    bench.run(bench.replayer())

    assert [len(bench.lane(f"ep_{number}")) for number in range(6)] == [1] * 6


def test_commits_are_renewed_every_day(bench):
    """Offsets age from their commit time."""
    replayer = bench.replayer()
    assert replayer.not_ready() is None
    bench.run(replayer)
    commits = bench.cluster.groups["t.replayer"].commits
    before = {partition: commit.offset for partition, commit in commits.items()}
    commits.clear()

    bench.clock.advance(timedelta(hours=21))
    bench.run(replayer)

    assert {p: commit.offset for p, commit in commits.items()} == before


def test_a_brokers_warning_is_logged(bench):
    """Nobody else would see it."""
    bench.cluster.warnings.append("offsets.retention.minutes is 10080")

    bench.replayer()

    assert len(bench.logged("broker.warned")) == 1


def test_a_gap_in_the_commands_is_recorded(bench):
    """Commands that nobody read are gone; the next ones are done."""
    bench.ask()
    bench.run(bench.replayer())
    bench.kill()
    for _ in range(3):
        bench.ask("send_now")
    bench.cluster.log(Partition("t.commands", 0)).delete_before(3)
    bench.clock.advance(timedelta(seconds=10))
    bench.die()
    bench.ask()

    bench.run(bench.replayer())

    assert len(bench.logged("gap.found")) == 1
    assert len(bench.lane()) == 1


def test_the_bytes_are_never_changed(bench):
    """From the first lane to the dead letters and back."""
    value = bench.die(payload=bytes(range(256)))
    bench.ask()

    bench.run(bench.replayer())

    (copy,) = bench.records("t.lane.a")
    assert copy.value() == delivery_bytes(value)
    assert progress_of(copy.headers()) == Progress(
        waiting_since=progress_of(copy.headers()).waiting_since,
        attempts_made=1,
        first_attempt_at=START,
        last_outcome="rejected",
    )
