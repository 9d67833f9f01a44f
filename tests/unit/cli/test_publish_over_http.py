"""The same events without brokers: through a door on the twin."""

import itertools

import pytest
from click.testing import CliRunner

from hooklane.cli import main, publish
from hooklane.cli.publish_over_http import KEY, door, publish_over_http
from hooklane.client import Ingest
from hooklane.domain.errors import Invalid, Misconfigured
from support.ingesting import ADMIN_KEY, IngestBench
from support.to_door import ToDoor

SAID = {"type": "order.created", "tenant": "acme", "key": "k", "version": None}


@pytest.fixture
def bench():
    return IngestBench()


@pytest.fixture
def ingest(bench):
    with Ingest("http://door", ADMIN_KEY, transport=ToDoor(bench)) as found:
        yield found


def events(count, *, bad=()):
    return iter([(f"line {n}", {"n": "x" if n in bad else n}) for n in range(count)])


def test_events_go_in_requests_and_are_told_in_one_line(bench, ingest, capsys):
    """All of them, with what was said of each."""
    publish_over_http(ingest, SAID, events=events(5), at_once=2, rate=None)

    assert [record.key() for record in bench.written()] == [b"k"] * 5
    assert ingest._http._transport.count == 3
    told = "published 5 events of order.created version 1 over HTTP in "
    assert capsys.readouterr().out.startswith(told)


def test_one_event_is_told_with_its_id(ingest, capsys):
    """The receiver's webhook-id."""
    publish_over_http(ingest, SAID, events=events(1), at_once=500, rate=1_000)

    assert "order.created version 1 over HTTP as evt_" in capsys.readouterr().out


def test_a_bad_event_is_named_with_its_request_and_nothing_of_that_is_written(
    bench, ingest, capsys
):
    """A request is all or nothing."""
    with pytest.raises(Invalid, match=r"line 2 to line 3: events\.1"):
        publish_over_http(ingest, SAID, events=events(4, bad=[3]), at_once=2, rate=None)

    assert len(bench.written()) == 2
    assert "published 2 before it" in capsys.readouterr().err
    with pytest.raises(Invalid, match="no event"):
        publish_over_http(ingest, SAID, events=events(0), at_once=2, rate=None)


def test_a_key_is_needed(monkeypatch):
    """From the environment, where others do not see it."""
    monkeypatch.delenv(KEY, raising=False)
    with pytest.raises(Misconfigured, match=KEY):
        door("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("arguments", "given", "expected"),
    [
        (["--json", '{"n": 1}'], "", [1]),
        (["--json", '{"n": 1}', "--count", "3"], "", [1, 1, 1]),
        (["-"], '{"n": 1}\n{"n": 2}\n', [1, 2]),
        (["-", "--count", "1"], '{"n": 1}\n{"n": 2}\n', [1]),
    ],
)
def test_the_command_reads_the_same_input(bench, monkeypatch, arguments, given, expected):
    """What goes to Kafka by itself goes through the door with --ingest."""
    transport = ToDoor(bench)
    monkeypatch.setattr(publish, "door", lambda url: Ingest(url, ADMIN_KEY, transport=transport))
    words = ["publish", "order.created", "--tenant", "acme", "--ingest", "http://door", *arguments]

    found = CliRunner().invoke(main, words, input=given)

    assert (found.exit_code, len(bench.written())) == (0, len(expected)), found.output


def test_a_file_goes_too(bench, monkeypatch, tmp_path):
    """Its bad JSON is named before anything is sent."""
    monkeypatch.setattr(
        publish, "door", lambda url: Ingest(url, ADMIN_KEY, transport=ToDoor(bench))
    )
    path = tmp_path / "e.jsonl"
    path.write_text("\n".join(itertools.chain(['{"n": 1}'] * 3, ["{"])))
    words = ["publish", "order.created", "--ingest", "http://door", "--file", str(path)]

    found = CliRunner().invoke(main, words)

    assert (found.exit_code, bench.written()) == (2, [])
    assert "e.jsonl line 4 is not JSON" in found.output
