"""Replays are looked after until they have ended, whoever looks."""

import pytest

from hooklane.adapters.replay_store import KeptReplay, SourceRange
from hooklane.adapters.store import Command
from hooklane.control.replays import UNKNOWN, Replays
from hooklane.domain.cursor import Cursor, Ending, Outcome, metadata_fields
from hooklane.domain.offsets import Committed, encode_metadata
from hooklane.domain.topics import Partition


@pytest.fixture
def replays(bench):
    return Replays(bench.store, bench.admin, topics=bench.topics, clock=bench.clock, log=bench.log)


@pytest.fixture
def asked(bench):
    replay = KeptReplay(
        replay_id="cmd_a",
        endpoint_id="ep_a",
        tenant="acme",
        created_at=bench.clock.now(),
        ranges=(SourceRange("events.order", 0, 0, 10),),
    )
    command = Command(topic=bench.topics.commands, key=b"ep_a", value=b"v")
    bench.store.add_replay(replay, command)
    return replay


def commit(bench, *, cursors=(), outcomes=(), offset=0, metadata=None):
    text = encode_metadata(metadata_fields(cursors, outcomes)) if metadata is None else metadata
    commits = bench.cluster.groups[bench.topics.group("replayer")].commits
    commits[Partition(bench.topics.commands, 0)] = Committed(offset=offset, metadata=text)


def state(bench):
    return bench.store.replay("cmd_a").progress.state


def test_an_outcome_is_kept_and_told_once(bench, replays, asked):
    """By whichever control process sees it first; the relay is rung."""
    rung = []
    replays.ring = lambda: rung.append(1)
    replays.step()
    assert (state(bench), rung) == ("waiting", [])
    outcome = Outcome(
        cursor=Cursor(command_id="cmd_a", command_offset=0, partition=1, count=4, seen=9),
        ending=Ending.FINISHED,
        finished_ms=7,
    )
    commit(bench, outcomes=[outcome], offset=1)

    replays.step()
    replays.step()

    kept = bench.store.replay("cmd_a").progress
    assert (kept.state, kept.done, kept.matched, kept.read) == ("finished", 10, 4, 9)
    assert rung == [1]
    (told,) = bench.store.owed_events(10, event_types=["replay.finished"])
    assert told.event.values["state"] == "finished"
    replays.close()


def test_a_replay_whose_outcome_is_gone_is_not_called_waiting_for_ever(bench, replays, asked):
    """Once the commits are past where its command can lie: it ended, nobody knows how."""
    replays.look()
    assert replays._noted == {}, "its command is not published yet"
    bench.ring()
    replays.look()
    commit(bench, cursors=[Cursor(command_id="cmd_b", command_offset=0)], offset=0)
    replays.look()
    assert state(bench) == "waiting"
    commit(bench, offset=5)

    replays.look()

    kept = bench.store.replay("cmd_a").progress
    assert (kept.state, kept.reason) == ("ended", UNKNOWN)


def test_a_replay_that_is_under_way_is_left_alone(bench, replays, asked):
    """However far the commits are."""
    bench.ring()
    for _ in range(3):
        commit(bench, cursors=[Cursor(command_id="cmd_a", command_offset=0)], offset=9)
        assert replays.look() == 0


def test_a_commit_that_can_t_be_read_tells_nothing(bench, replays, asked):
    """It is logged; the replay is shown as it was."""
    commit(bench, metadata="v9;k=1")

    assert replays.shown(asked).progress.state == "waiting"
    assert "commit.unreadable" in {what for what, _ in bench.lines}
