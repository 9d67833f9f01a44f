"""Past events go again to one endpoint: what it wants now, each once, under their own ids."""

import itertools
from datetime import timedelta

import pytest

from hooklane.domain.cursor import Ending
from hooklane.domain.delivery import from_ms, progress_of
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import Unavailable
from hooklane.domain.ids import delivery_id
from hooklane.domain.topics import Partition
from hooklane.replayer import replay as replaying
from support.deliveries import START
from support.replaying import ReplayerBench


@pytest.fixture
def bench():
    made = ReplayerBench()
    made.source(partitions=2)
    return made


def numbers(bench, endpoint_id="ep_a"):
    return [d["source"]["offset"] for d in bench.deliveries(endpoint_id)]


def test_a_replay_reaches_an_endpoint_from_before_it_existed(bench):
    """Each event once, with its own id, the command's, and a receipt that says both."""
    for number in range(5):
        bench.publish(number)
    bench.endpoint()
    bench.clock.advance(timedelta(hours=1))
    bench.replay(("events.order", 0, 1, 4))

    bench.run(bench.replayer())

    found, receipts = bench.deliveries(), bench.receipts()
    assert [d["source"]["offset"] for d in found] == [1, 2, 3]
    assert {(d["trigger"], d["command_id"], d["tenant"]) for d in found} == {
        ("replay", "cmd_a", "acme")
    }
    assert [d["delivery_id"] for d in found] == [
        delivery_id(
            event_id=d["event_id"], endpoint_id="ep_a", trigger="replay", command_id="cmd_a"
        )
        for d in found
    ]
    assert [(r["event_id"], r["matched"], r["trigger"], r["command_id"]) for r in receipts] == [
        (d["event_id"], ["ep_a"], "replay", "cmd_a") for d in found
    ]
    (record, *_) = bench.records(bench.topics.lane("ep_a"))
    assert progress_of(record.headers()).waiting_since >= START + timedelta(hours=1)


def test_what_the_endpoint_does_not_want_is_passed_without_a_receipt(bench):
    """Another tenant's, or a type that its subscription leaves out, by what it says now."""
    bench.endpoint()
    bench.endpoint("ep_b", patterns=("user.*",))
    for number, tenant in enumerate(("acme", "globex", "acme")):
        bench.publish(number, tenant=tenant)
    bench.replay(("events.order", 0, 0, 3))
    bench.replay(("events.order", 0, 0, 3), endpoint_id="ep_b")

    bench.run(bench.replayer())

    assert numbers(bench) == [0, 2]
    assert bench.deliveries("ep_b") == []
    assert len(bench.receipts()) == 2
    mine, theirs = (outcome.cursor for outcome in bench.told().outcomes)
    assert (mine.seen, mine.count) == (3, 2)
    assert (theirs.seen, theirs.count) == (3, 0)


def test_several_ranges_are_done_one_after_another(bench):
    """Empty ones too."""
    bench.endpoint()
    for number in range(6):
        bench.publish(number, partition=number % 2)
    bench.replay(("events.order", 0, 0, 2), ("events.order", 1, 1, 1), ("events.order", 1, 1, 3))

    bench.run(bench.replayer())

    places = [(d["source"]["partition"], d["source"]["offset"]) for d in bench.deliveries()]
    assert places == [(0, 0), (0, 1), (1, 1), (1, 2)]


def test_how_it_ended_is_told(bench):
    """For control, which keeps it."""
    bench.endpoint()
    bench.publish()
    bench.publish(value=b"junk")
    bench.replay(("events.order", 0, 0, 2))

    bench.run(bench.replayer())

    (outcome,) = bench.told().outcomes
    cursor = outcome.cursor
    assert (outcome.ending, outcome.reason, cursor.command_id) == (Ending.FINISHED, "", "cmd_a")
    assert (cursor.seen, cursor.count, cursor.refused, cursor.partition) == (2, 1, 1, 1)
    assert from_ms(cursor.begun_ms) >= START
    assert outcome.finished_ms >= cursor.begun_ms
    (line,) = bench.logged("replay.passed")
    assert line["count"] == 1


def test_a_gap_is_passed_and_told(bench):
    """Of records that the log no longer holds, or a topic that is no more."""
    bench.endpoint()
    for number in range(6):
        bench.publish(number)
    bench.cluster.log(Partition("events.order", 0)).delete_before(4)
    bench.replay(("events.gone", 0, 0, 3), ("events.order", 0, 0, 2), ("events.order", 0, 0, 6))

    bench.run(bench.replayer())

    assert numbers(bench) == [4, 5]
    assert len(bench.logged("replay.gap")) == 3


@pytest.mark.parametrize("state", [EndpointState.DISABLED, EndpointState.DELETED])
def test_an_endpoint_that_takes_nothing_ends_it(bench, state):
    """Before it began, with the state as the reason."""
    bench.endpoint()
    bench.publish()
    bench.endpoint(revision=2, state=state)
    bench.replay(("events.order", 0, 0, 1))

    bench.run(bench.replayer())

    (outcome,) = bench.told().outcomes
    assert (outcome.ending, outcome.reason) == (Ending.ENDED, state.value)
    assert bench.deliveries() == []


def test_an_endpoint_disabled_in_the_middle_ends_it():
    """What was written before stays."""
    bench = ReplayerBench(transaction_records_max=4)
    bench.source()
    bench.endpoint()
    for number in range(20):
        bench.publish(number)
    bench.replay(("events.order", 0, 0, 20))
    replayer = bench.replayer()
    while not bench.deliveries():
        replayer.step()
    bench.endpoint(revision=2, state=EndpointState.DISABLED)

    bench.run(replayer)

    (outcome,) = bench.told().outcomes
    assert (outcome.ending, outcome.reason) == (Ending.ENDED, "disabled")
    assert outcome.cursor.count == len(bench.deliveries()) < 20


def test_a_paused_endpoints_lane_gets_them(bench):
    """There they are held."""
    bench.endpoint(state=EndpointState.PAUSED)
    bench.publish()
    bench.replay(("events.order", 0, 0, 1))

    bench.run(bench.replayer())

    assert numbers(bench) == [0]


def test_a_cancel_ends_a_replay_between_two_rounds():
    """What was written before stays, and the rest never comes."""
    bench = ReplayerBench(transaction_records_max=4)
    bench.source()
    bench.endpoint()
    for number in range(50):
        bench.publish(number)
    bench.replay(("events.order", 0, 0, 50))
    replayer = bench.replayer()
    while not bench.deliveries():
        replayer.step()
    bench.ask("cancel", command_id="cmd_b", target="cmd_a")

    bench.run(replayer)

    (outcome,) = bench.told().outcomes
    assert outcome.ending is Ending.CANCELLED
    assert 0 < outcome.cursor.count == len(bench.deliveries()) < 50


def test_a_cancel_of_what_is_over_is_passed(bench):
    """As one of what never was."""
    bench.endpoint()
    bench.publish()
    bench.replay(("events.order", 0, 0, 1))
    replayer = bench.replayer()
    bench.run(replayer)
    bench.ask("cancel", command_id="cmd_b", target="cmd_a")
    bench.ask("cancel", command_id="cmd_c", target="cmd_x")

    bench.run(replayer)

    assert [outcome.ending for outcome in bench.told().outcomes] == [Ending.FINISHED]


def test_a_replay_that_waits_in_line_can_be_cancelled_before_it_begins(bench):
    """Nothing of it is done."""
    bench.endpoint()
    bench.publish()
    bench.replay(("events.order", 0, 0, 1))
    bench.ask("cancel", command_id="cmd_b", target="cmd_a")

    bench.run(bench.replayer())

    assert bench.deliveries() == []
    assert [outcome.ending for outcome in bench.told().outcomes] == [Ending.CANCELLED]


def test_a_rate_is_kept(bench):
    """By the monotonic clock; two portions at once at most."""
    bench.endpoint()
    for number in range(60):
        bench.publish(number)
    bench.replay(("events.order", 0, 0, 60), rate_per_s=10)
    replayer = bench.replayer()
    started = bench.clock.monotonic()

    bench.run(replayer)

    took = bench.clock.monotonic() - started
    assert 5.5 <= took <= 9.0
    assert numbers(bench) == list(range(60))


def test_what_does_not_concern_the_endpoint_costs_no_rate(bench):
    """The rate is for its receiver's sake."""
    bench.endpoint()
    for number in range(300):
        bench.publish(number, tenant="globex")
    bench.replay(("events.order", 0, 0, 300), rate_per_s=1)
    started = bench.clock.monotonic()

    bench.run(bench.replayer())

    assert bench.clock.monotonic() - started < 5


def test_a_long_replay_holds_up_neither_a_redrive_nor_another_replay():
    """In the same line, of the same endpoint: they take turns, and the slow one waits alone."""
    bench = ReplayerBench()
    bench.source()
    bench.endpoint()
    bench.endpoint("ep_b")
    for number in range(40):
        bench.publish(number)
    bench.die()
    bench.replay(("events.order", 0, 0, 40), rate_per_s=1)
    bench.replay(("events.order", 0, 0, 40), endpoint_id="ep_b", command_id="cmd_b")
    bench.ask(command_id="cmd_c")
    replayer = bench.replayer()
    for _ in range(60):
        replayer.step()

    assert len(bench.deliveries("ep_b")) == 40
    assert bench.resting() == set()
    assert len(bench.lane()) < 20
    assert bench.cursors().offset == 0

    bench.run(replayer)
    assert len(set(bench.lane())) == 41


def test_a_schema_that_is_not_to_be_had_holds_up_its_command_alone(bench):
    """What was read before it goes first; it goes on once the schema is there."""
    bench.endpoint()
    bench.publish(0)
    bench.publish(1)
    bench.replay(("events.order", 0, 0, 2))
    replayer = bench.replayer()
    read, gone = replayer._undertakings.past.events.read, []

    def be_away(record):
        if record.offset() == 1 and len(gone) < 3:
            gone.append(record)
            raise Unavailable("the registry is away")
        return read(record)

    replayer._undertakings.past.events.read = be_away
    while not bench.deliveries():
        replayer.step()
    assert numbers(bench) == [0]

    bench.run(replayer)

    assert numbers(bench) == [0, 1]
    assert len(bench.logged("command.waiting")) == 2


def test_an_open_transaction_of_the_producer_is_waited_for(bench):
    """What it hides belongs to the range."""
    bench.endpoint()
    bench.publish(0)
    dying = bench.cluster.transactional_producer(transactional_id="producer")
    dying.begin()
    dying.produce("events.order", b"never", key=None, partition=0)
    bench.publish(1)
    bench.replay(("events.order", 0, 0, 3))
    replayer = bench.replayer()
    for _ in range(20):
        replayer.step()
    assert numbers(bench) == [0]
    dying.abort()

    bench.run(replayer)

    assert numbers(bench) == [0, 2]


def test_a_resend_is_one_event(bench):
    """Another at that place is not sent: it is not what was asked for."""
    bench.endpoint()
    for number in range(3):
        bench.publish(number)
    bench.replay(("events.order", 0, 0, 3))
    replayer = bench.replayer()
    bench.run(replayer)
    wanted = bench.deliveries()[1]["event_id"]

    again = {"kind": "resend", "event_id": wanted}
    bench.replay(("events.order", 0, 1, 2), command_id="cmd_b", **again)
    bench.replay(("events.order", 0, 2, 3), command_id="cmd_c", **again)
    bench.run(replayer)

    *_, resent = bench.deliveries()
    assert len(bench.deliveries()) == 4
    assert (resent["event_id"], resent["trigger"], resent["command_id"]) == (
        wanted,
        "resend",
        "cmd_b",
    )
    assert len(bench.told().outcomes) == 1, "a resend is known by its delivery"


def test_batches_are_bounded_by_bytes(bench, monkeypatch):
    """Large payloads make small transactions."""
    monkeypatch.setattr(replaying, "ROUNDS_A_SLICE", 1)
    small = ReplayerBench(transaction_bytes_max=1024)
    small.source()
    small.endpoint()
    for number in range(30):
        small.publish(number)
    small.replay(("events.order", 0, 0, 30))
    replayer = small.replayer()
    sizes = [0]
    while len(small.deliveries()) < 30:
        replayer.step()
        sizes.append(len(small.deliveries()))

    assert max(b - a for a, b in itertools.pairwise(sizes)) < 12
