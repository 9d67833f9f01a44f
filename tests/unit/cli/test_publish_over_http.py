"""The same events without brokers: through a door on the twin."""

import itertools

import httpx
import pytest
from click.testing import CliRunner

from hooklane.cli import main, publish
from hooklane.cli.publish_over_http import (
    BYTES_AT_ONCE,
    KEY,
    door,
    publish_over_http,
    requests,
)
from hooklane.client import Ingest
from hooklane.domain.errors import Invalid, Misconfigured, Unavailable
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


def test_a_bad_event_is_named_and_nothing_of_its_request_is_written(bench, ingest, capsys):
    """A request is all or nothing; the line is the caller's own, not its place in the request."""
    with pytest.raises(
        Invalid, match=r"^The.*: line 3: order.*field n .*; nothing from line 2 on was pub"
    ):
        publish_over_http(ingest, SAID, events=events(4, bad=[3]), at_once=2, rate=None)

    assert len(bench.written()) == 2
    assert "published 2 before it" in capsys.readouterr().err
    with pytest.raises(Invalid, match="no event"):
        publish_over_http(ingest, SAID, events=events(0), at_once=2, rate=None)


def test_requests_are_cut_by_count_and_by_bytes():
    """What is larger than a request may be goes alone."""
    sizes = [10, 10, 10, BYTES_AT_ONCE - 200, 300, 2 * BYTES_AT_ONCE, 10]
    large = iter([(f"line {n}", {"n": "é" * (size // 2)}) for n, size in enumerate(sizes)])

    found = [places for places, _ in requests({}, large, at_once=2)]

    expected = [["0", "1"], ["2", "3"], ["4"], ["5"], ["6"]]
    assert found == [[f"line {n}" for n in part] for part in expected]


def test_no_event_is_waited_for_once_a_request_is_full():
    """From standard input each line goes as it comes."""
    lines = events(2)

    next(requests({}, lines, at_once=1))

    assert next(lines)[0] == "line 1"


@pytest.mark.parametrize("value", [float("nan"), "\ud800"])
def test_what_json_has_not_is_refused_with_its_line(value):
    """It would be no request."""
    with pytest.raises(Invalid, match="line 7 can't be sent as JSON"):
        list(requests({}, iter([("line 7", {"n": value})]), at_once=2))


class Failing(ToDoor):
    """A door that takes one request, and then none."""

    def __init__(self, bench, failure):
        super().__init__(bench)
        self.failure = failure

    def handle_request(self, request):
        if self.count == 0:
            return super().handle_request(request)
        if isinstance(self.failure, httpx.HTTPError):
            raise self.failure
        return httpx.Response(self.failure, json={"detail": "no"})


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (503, "what of it was published is not known, and nothing after line 3 was sent"),
        (httpx.ReadError("lost"), "is not known, and nothing after line 3 was sent"),
        (httpx.ConnectError("refused"), "nothing from line 2 on was published"),
        (429, "nothing from line 2 on was published"),
    ],
)
def test_a_failure_tells_what_was_published_and_what_was_not(bench, capsys, failure, told):
    """So that the rest of a file can be sent."""
    with (
        Ingest("http://door", ADMIN_KEY, transport=Failing(bench, failure)) as ingest,
        pytest.raises(Unavailable, match=f"line 2 to line 3: .*{told}"),
    ):
        publish_over_http(ingest, SAID, events=events(6), at_once=2, rate=None)

    assert "published 2 before it" in capsys.readouterr().err


def test_a_door_that_takes_fewer_says_what_to_set(bench, ingest):
    """The option here, or the door's setting."""
    with pytest.raises(Invalid, match=r"600 are more than 500 \(.*--at-once.*_EVENTS_MAX"):
        publish_over_http(ingest, SAID, events=events(600), at_once=600, rate=None)

    assert bench.written() == []


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
        (["--json", '{"n": 1}', "--count", "3", "--at-once", "2"], "", [1, 1, 1]),
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
