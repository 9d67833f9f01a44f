"""docs/ tells the truth where a machine can check it: commands, requests, settings and files."""

import asyncio
import re
import shlex

import click
import pytest

from hooklane import cli
from hooklane.cli.settings import markdown
from hooklane.control.api import build_api
from support.control import API_KEY, Bench
from support.ingesting import IngestBench
from tidy.sources import ROOT

FEATURES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
SPANS = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FEATURES)
SPANS += re.findall(r"^\$ ([^#\n]+)", FEATURES, re.MULTILINE)
COMMANDS = sorted({span.strip(" &") for span in SPANS if span.startswith("hooklane ")})


def found_in(command, words):
    """Walk a command line's words down to the command they name, and give what it does not know."""
    context = click.Context(command)
    while isinstance(command, click.Group):
        if command.invoke_without_command and words[:1] and words[0].startswith("-"):
            break
        name = next((word for word in words if not word.startswith("-")), None)
        command = command.get_command(context, name) if name else None
        if command is None:
            return [name]
        words = words[words.index(name) + 1 :]
    known = {option for one in command.params for option in one.opts + one.secondary_opts}
    return [word for word in words if word.startswith("--") and word not in known]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_named_exists_with_its_options(line):
    """A `hooklane …` that is told can be typed."""
    assert found_in(cli.main, shlex.split(line)[1:]) == []


def test_a_command_that_does_not_exist_is_seen():
    """The check can fail."""
    assert found_in(cli.main, ["events", "lost"]) == ["lost"]
    assert found_in(cli.main, ["nothing"]) == ["nothing"]
    assert found_in(cli.main, ["tail", "--loud"]) == ["--loud"]


@pytest.fixture
def doors(tmp_path):
    """What each of the two APIs describes."""
    bench = Bench(url=f"sqlite:///{tmp_path}/control.db")
    api = build_api(bench.desk, bench.lookout, api_key=API_KEY)
    ingest = asyncio.run(IngestBench().request("GET", "/openapi.json")).json()
    yield {"$API": shapes(api.openapi()), "$INGEST": shapes(ingest)}
    bench.store.close()


def shapes(description):
    """Give the paths a description has, as patterns."""
    paths = ["/openapi.json", *description["paths"]]
    return [re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z") for path in paths]


def test_every_request_named_is_one_that_is_answered(doors):
    """Its path is in the API's own description."""
    asked = [
        (door, path)
        for span in SPANS
        for door, path in re.findall(r"(\$API|\$INGEST)(/[\w./-]*)", span)
    ]
    unknown = [one for one in asked if not any(shape.match(one[1]) for shape in doors[one[0]])]
    assert (unknown, len(asked) > 0) == ([], True)


def test_every_setting_named_exists():
    """`hooklane settings` lists it."""
    named = {span for span in SPANS if span.startswith("HOOKLANE_")}
    assert {name for name in named if f"`{name}`" not in markdown()} == set()


def test_every_file_named_exists():
    """Where a feature is, is where it is."""
    named = {span for span in SPANS if re.match(r"(services|schemas|tests|k8s)/", span)}
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_exit_codes_told_are_those_of_help():
    """Both lists are one."""
    table = FEATURES.partition("## Exit codes")[2]
    told = re.findall(r"^\| (\d+) \| ", table, flags=re.MULTILINE)
    assert told == re.findall(r"^  (\d+) ", cli.EXIT_CODES, flags=re.MULTILINE)
