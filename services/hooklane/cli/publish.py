"""`hooklane publish`: events from the command line, a file or standard input.

Promises: bad input is one sentence and exit code 2, and nothing of `--json` or `--file` is
published before all of it was checked; from standard input, and by --ingest of a file longer than
one request, what came before the bad line or request is.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hooklane.adapters.clock import SystemClock
from hooklane.cli import addresses
from hooklane.cli.publish_over_http import AT_ONCE, door, publish_over_http
from hooklane.domain.errors import Invalid, Refused
from hooklane.publisher import Published, Publisher, connect

STDIN = "-"
FLUSH_EVERY = 5_000
# Below this a bar would only flicker.
SHOWN_FROM = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to publish, and how often."""

    event_type: str
    tenant: str | None
    key: str | None
    version: int | None
    rate: float | None
    count: int | None
    at_once: int = AT_ONCE


@click.command()
@click.argument("event_type", metavar="TYPE")
@click.argument("stdin", metavar="[-]", required=False)
@click.option("--json", "text", metavar="TEXT", help="The event's values.")
@click.option(
    "--file", "path", type=click.Path(path_type=Path, dir_okay=False),
    help="A file of JSON lines, one event each.",
)  # fmt: skip
@click.option("--tenant", help="On whose behalf.  [default: the topic's default tenant]")
@click.option("--key", help="The records' key; events of one key stay in order.")
@click.option("--version", type=click.IntRange(min=1), help="Of the schema.  [default: the latest]")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Events a second.")
@click.option(
    "--count", type=click.IntRange(min=1),
    help="How many; the input is repeated to get there.  [default: each once]",
)  # fmt: skip
@click.option(
    "--ingest", metavar="URL",
    help="Publish over HTTP, through this ingest API, with the key in HOOKLANE_INGEST_KEY.",
)  # fmt: skip
@click.option(
    "--at-once", type=click.IntRange(min=1), default=AT_ONCE, show_default=True,
    help="Events of a file in one request to the ingest API, at most.",
)  # fmt: skip
@addresses.dir_option
def publish(
    event_type: str, stdin: str | None, text: str | None, path: Path | None,
    directory: Path | None, *, ingest: str | None, **options: Any,
) -> None:  # fmt: skip
    """Publish events of a TYPE, checked against its schema first.

    The values come from --json, from --file, or with - from standard input, a JSON object a line.
    """
    if [stdin is not None, text is not None, path is not None].count(True) != 1:
        raise click.UsageError("give the values once: --json TEXT, --file FILE or -")
    if stdin not in (None, STDIN):
        raise click.UsageError(f"unexpected {stdin!r}; - reads standard input")
    wanted = Wanted(event_type=event_type, **options)
    if ingest is not None:
        _over_http(ingest, wanted, text=text, path=path)
        return
    publisher = connect(addresses.kafka_settings(directory), addresses.registry_settings(directory))
    if text is not None:
        events = checked(publisher, wanted, texts=[("--json", text)])
    elif path is not None:
        events = checked(publisher, wanted, texts=lines_of(path))
    else:
        publish_all(publisher, wanted, events=read(sys.stdin), total=wanted.count)
        return
    total = wanted.count or len(events)
    publish_all(publisher, wanted, events=itertools.cycle(events), total=total)


def _over_http(url: str, wanted: Wanted, *, text: str | None, path: Path | None) -> None:
    """Publish through the ingest door, which checks what it is sent."""
    events, at_once = read(sys.stdin), 1
    if text is not None or path is not None:
        texts = lines_of(path) if path is not None else [("--json", text or "")]
        known = [(place, parsed(place, line)) for place, line in texts]
        events, at_once = itertools.cycle(known), wanted.at_once
        events = itertools.islice(events, wanted.count or len(known))
    elif wanted.count is not None:
        events = itertools.islice(events, wanted.count)
    said = {
        "type": wanted.event_type,
        "tenant": wanted.tenant,
        "key": wanted.key,
        "version": wanted.version,
    }
    with door(url) as ingest:
        publish_over_http(ingest, said, events=events, at_once=at_once, rate=wanted.rate)


def lines_of(path: Path) -> list[tuple[str, str]]:
    """Read a file's lines, each with its place."""
    try:
        with path.open(encoding="utf-8") as lines:
            return list(numbered(lines, path.name))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} can't be read: {error}") from None


def numbered(lines: TextIO, name: str) -> Iterator[tuple[str, str]]:
    """Give each line that is not empty, with its place."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{name} line {number}", line


def read(lines: TextIO) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read events from a stream as they come."""
    for place, line in numbered(lines, "standard input"):
        yield place, parsed(place, line)


def parsed(place: str, text: str) -> dict[str, Any]:
    """Read one event's values.

    Raises:
        Invalid: they are no JSON object; says where.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{place} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise Invalid(f"{place} is no JSON object")
    return values


def checked(
    publisher: Publisher, wanted: Wanted, *, texts: list[tuple[str, str]]
) -> list[tuple[str, dict[str, Any]]]:
    """Check everything before anything is written."""
    events = [(place, parsed(place, text)) for place, text in texts]
    if not events:
        raise Invalid("there is no event in the input")
    for place, values in events:
        with named(place):
            publisher.check(wanted.event_type, values, version=wanted.version)
    return events


@contextmanager
def named(place: str) -> Iterator[None]:
    """Put the place of a bad event before what is wrong with it."""
    try:
        yield
    except Invalid as error:
        raise Invalid(f"{place}: {error.detail}", **error.fields) from None


def publish_all(
    publisher: Publisher,
    wanted: Wanted,
    *,
    events: Iterator[tuple[str, dict[str, Any]]],
    total: int | None,
) -> None:
    """Publish at the wanted rate, with a progress bar where it takes long."""
    clock, done, last = SystemClock(), 0, None
    began = clock.monotonic()
    shown = (total is None or total >= SHOWN_FROM) and sys.stderr.isatty()
    columns = (TextColumn("publishing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        line = bar.add_task("", total=total)
        try:
            for place, values in itertools.islice(events, total):
                if wanted.rate is not None:
                    _wait_for(clock, began + done / wanted.rate)
                with named(place):
                    last = _publish(publisher, wanted, values)
                done += 1
                bar.advance(line)
                if done % FLUSH_EVERY == 0:
                    publisher.flush()
        except Refused:
            publisher.flush()
            if done:
                click.echo(f"published {done} before it", err=True)
            raise
    publisher.flush()
    publisher.close()
    _tell(wanted, done, last, seconds=clock.monotonic() - began)


def _publish(publisher: Publisher, wanted: Wanted, values: dict[str, Any]) -> Published:
    return publisher.publish(
        wanted.event_type, values, tenant=wanted.tenant, key=wanted.key, version=wanted.version
    )


def _wait_for(clock: SystemClock, moment: float) -> None:
    early = moment - clock.monotonic()
    if early > 0:
        clock.sleep(early)


def _tell(wanted: Wanted, done: int, last: Published | None, *, seconds: float) -> None:
    if last is None:
        raise Invalid("there is no event in the input")
    what = f"{wanted.event_type} version {last.version} to {last.topic}"
    if done == 1:
        name = f" as {last.event_id}" if last.event_id else ""
        click.echo(f"published {what}{name}")
        return
    click.echo(f"published {done} events of {what} in {seconds:.1f} s")
