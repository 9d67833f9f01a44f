"""Bad input is named by its place, and nothing of a file is written before all was checked."""

import io
import itertools

import pytest
from click.testing import CliRunner

from hooklane.cli import main, publish
from hooklane.domain.errors import Invalid
from hooklane.publisher.publisher import Publisher
from support.matcher_bench import MatcherBench


@pytest.fixture
def bench():
    return MatcherBench()


@pytest.fixture
def publisher(bench):
    return Publisher(
        bench.cluster.producer(instance="p"),
        registry=bench.registry,
        admin=bench.admin,
        clock=bench.clock,
        source="shop",
    )


def wanted(**more):
    said = {"tenant": "acme", "key": None, "version": None, "rate": None, "count": None}
    return publish.Wanted(**{"event_type": "order.created", **said, **more})


def test_each_line_is_an_event_with_its_place(tmp_path):
    """Empty lines are none."""
    path = tmp_path / "e.jsonl"
    path.write_text('{"n": 1}\n\n{"n": 2}\n')
    assert publish.lines_of(path) == [
        ("e.jsonl line 1", '{"n": 1}\n'),
        ("e.jsonl line 3", '{"n": 2}\n'),
    ]
    with pytest.raises(Invalid, match=r"none\.jsonl"):
        publish.lines_of(tmp_path / "none.jsonl")


@pytest.mark.parametrize("text", ["{", "[]", "3", "[" * 100_000])
def test_what_is_no_json_object_is_named(text):
    """By its place."""
    with pytest.raises(Invalid, match="line 7"):
        publish.parsed("x line 7", text)


def test_everything_is_checked_before_anything_is_written(bench, publisher):
    """The bad line is named."""
    texts = [("line 1", '{"n": 1}'), ("line 2", '{"n": "x"}')]
    with pytest.raises(Invalid, match=r"line 2: order\.created version 1: field n should"):
        publish.checked(publisher, wanted(), texts=texts)
    with pytest.raises(Invalid, match="no event"):
        publish.checked(publisher, wanted(), texts=[])
    assert publish.checked(publisher, wanted(), texts=texts[:1]) == [("line 1", {"n": 1})]
    assert bench.records("events.order") == []


def test_what_came_before_a_streams_bad_line_is_published(bench, publisher, capsys):
    """And it is said how much that was."""
    events = publish.read(io.StringIO('{"n": 1}\n{"n": 2}\n{"n": "x"}\n{"n": 4}\n'))
    with pytest.raises(Invalid, match="standard input line 3"):
        publish.publish_all(publisher, wanted(), events=events, total=None)
    assert len(bench.records("events.order")) == 2
    assert "published 2 before it" in capsys.readouterr().err


def test_the_input_is_repeated_up_to_the_count(bench, publisher, capsys):
    """And the end is told in one line."""
    events = itertools.cycle([("x", {"n": 1}), ("y", {"n": 2})])
    publish.publish_all(publisher, wanted(key="k"), events=events, total=5)
    assert [record.key() for record in bench.records("events.order")] == [b"k"] * 5
    told = "published 5 events of order.created version 1 to events.order"
    assert capsys.readouterr().out.startswith(told)


def test_one_event_is_told_with_its_id(publisher, capsys):
    """The receiver's webhook-id, where the tenant is known."""
    publish.publish_all(publisher, wanted(), events=iter([("x", {"n": 1})]), total=1)
    assert "to events.order as evt_" in capsys.readouterr().out
    with pytest.raises(Invalid, match="no event"):
        publish.publish_all(publisher, wanted(), events=iter([]), total=None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["order.created"],
        ["order.created", "-", "--json", "{}"],
        ["order.created", "--json", "{}", "--file", "x"],
        ["order.created", "elsewhere"],
        ["order.created", "--json", "{}", "--rate", "0"],
        ["order.created", "--json", "{}", "--count", "0"],
        ["order.created", "--json", "{"],
    ],
)
def test_a_wrong_command_line_is_refused(arguments):
    """With exit code 2."""
    result = CliRunner().invoke(main, ["publish", *arguments])
    assert result.exit_code == 2, result.output
