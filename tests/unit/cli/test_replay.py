"""`hooklane replay` and `hooklane resend`, against the API itself."""

import json

import pytest

from hooklane.adapters.codec import codec
from hooklane.cli import replay as replaying
from hooklane.domain.cursor import Cursor, Ending, Outcome, metadata_fields
from hooklane.domain.offsets import Committed, encode_metadata
from hooklane.domain.topics import Partition, TopicSpec
from support import logbook
from support.commands import endpoint

EVENT = "evt_" + "a" * 26


@pytest.fixture
def endpoint_id(run, bench):
    """An endpoint, and ten records in a source."""
    stamped = {"message.timestamp.type": "LogAppendTime"}
    spec = TopicSpec(name="events.order", partitions=1, settings=stamped)
    bench.admin.ensure([spec], replication=1)
    producer = bench.cluster.producer(instance="outside")
    for _ in range(10):
        producer.produce("events.order", b"x", key=None, partition=0)
    return endpoint(run)


def commands(bench):
    return [codec("command").decode(r.value()) for r in bench.records(bench.topics.commands)]


def end(bench, replay_id, **fields):
    cursor = Cursor(command_id=replay_id, command_offset=0, partition=1, count=4, seen=9, refused=1)
    outcome = Outcome(cursor=cursor, **{"ending": Ending.FINISHED, "finished_ms": 5, **fields})
    metadata = encode_metadata(metadata_fields((), (outcome,)))
    commits = bench.cluster.groups[bench.topics.group("replayer")].commits
    commits[Partition(bench.topics.commands, 0)] = Committed(offset=1, metadata=metadata)


def test_a_replay_is_counted_and_asked_for(run, bench, endpoint_id):
    """By time or by offset; a dry run asks for nothing."""
    words = ("replay", "--endpoint", endpoint_id, "--since", "2020-01-01T00:00:00Z")
    dry = run(*words, "--dry-run").output
    assert dry == "up to 10 events in 1 partitions would be replayed\n"
    assert commands(bench) == []

    asked = run(*words, "--rate", "5")
    assert (asked.exit_code, "is under way" in asked.output) == (0, True)
    span = ("--topic", "events.order", "--partition", "0", "--from", "2", "--to", "5")
    answer = json.loads(run("replay", "--endpoint", endpoint_id, *span, "--json").output)
    assert (answer["total"], answer["state"]) == (3, "waiting")
    assert run("replay", "--endpoint", endpoint_id, *span, "--rate", "0").exit_code == 0
    assert [command["rate_per_s"] for command in commands(bench)] == [5, 100, 0]


def test_a_replay_is_listed_shown_and_cancelled(run, bench, endpoint_id):
    """Each of them for people and for programs."""
    words = ("replay", "--endpoint", endpoint_id, "--topic", "events.order", "--json")
    replay_id = json.loads(run(*words).output)["id"]

    assert replay_id in run("replay", "list", "--endpoint", endpoint_id).output
    assert json.loads(run("replay", "list", "--json").output)[0]["id"] == replay_id
    assert json.loads(run("replay", "show", replay_id, "--json").output)["state"] == "waiting"
    assert "waiting" in run("replay", "show", replay_id).output
    assert "ends after" in run("replay", "cancel", replay_id).output
    again = json.loads(run("replay", "cancel", replay_id, "--json").output)
    assert again["cancel_asked_at"] is not None
    assert [command["kind"] for command in commands(bench)] == ["replay", "cancel"]


def test_what_is_no_replay_is_refused(run, bench, endpoint_id):
    """With exit code 2, and a word on what is missing."""
    assert run("replay").exit_code == 2
    assert "--endpoint" in run("replay").output
    assert run("replay", "--endpoint", endpoint_id).exit_code == 2
    assert run("replay", "--endpoint", "ep_x", "--topic", "events.order").exit_code == 2
    assert run("replay", "show", "cmd_x").exit_code == 2
    assert run("resend", EVENT, "--endpoint", endpoint_id).exit_code == 2
    assert commands(bench) == []


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({}, 0, "finished: 9 events read, 4 matched, 1 undecodable"),
        ({"ending": Ending.ENDED, "reason": "disabled"}, 1, "ended (disabled): 9 events read"),
        ({"ending": Ending.CANCELLED}, 1, "cancelled: 9"),
    ],
)
def test_waiting_tells_how_it_ended(*, run, bench, endpoint_id, monkeypatch, fields, code, words):
    """And its exit code says whether it finished."""

    class Quick:
        def sleep(self, _seconds):
            (command,) = commands(bench)
            end(bench, command["command_id"], **fields)

    monkeypatch.setattr(replaying, "SystemClock", Quick)

    asked = ("--topic", "events.order", "--wait")
    found = run("replay", "--endpoint", endpoint_id, *asked)

    assert found.exit_code == code
    assert words in found.output


def test_one_event_is_sent_again(run, bench, endpoint_id):
    """Its delivery is told at once."""
    logbook.write(bench.store._engine, logbook.receipt(EVENT, [endpoint_id], source_offset=4))

    shown = run("resend", EVENT, "--endpoint", endpoint_id)
    assert (shown.exit_code, "is under way as dlv_" in shown.output) == (0, True)
    answer = json.loads(run("resend", EVENT, "--endpoint", endpoint_id, "--json").output)
    assert set(answer) == {"command_id", "delivery_id"}
    assert [command["event_id"] for command in commands(bench)] == [EVENT] * 2
