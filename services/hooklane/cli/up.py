"""`hooklane up`: the embedded stack in the foreground, until Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import itertools
import os
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from hooklane.adapters.clock import SystemClock
from hooklane.cli.addresses import READY_FILE
from hooklane.embedded import artefacts
from hooklane.embedded.directory import Directory, held
from hooklane.embedded.services import service_of
from hooklane.embedded.stack import EVERYTHING, Stack, Wanted, prepare_ready_file

BROKERS = re.compile(r"[^\s,:/]+:\d+(,[^\s,:/]+:\d+)*")
PORT = click.IntRange(1, 65535)
INSTANCES = click.IntRange(1, 64)
COLOURS = ("cyan", "magenta", "yellow", "blue", "green", "bright_cyan", "bright_magenta")


def brokers(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no list of brokers."""
    if value is not None and not BROKERS.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not host:port, or several with commas between")
    return value


def http_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no http or https address."""
    if value is not None:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise click.BadParameter(f"{value!r} is not an http or https address")
    return value


def database_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse what SQLAlchemy cannot read; the value may hold a password and is not repeated."""
    if value is not None:
        # Imported here: a start without the option needs no SQLAlchemy.
        from sqlalchemy.engine import make_url  # noqa: PLC0415  see above
        from sqlalchemy.exc import ArgumentError  # noqa: PLC0415  see above

        try:
            make_url(value)
        except ArgumentError:
            raise click.BadParameter("it is not a database URL as SQLAlchemy reads it") from None
    return value


def names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Refuse a name that no program of the stack has."""
    if value is None:
        return EVERYTHING
    chosen = tuple(name.strip() for name in value.split(","))
    for name in chosen:
        if name not in EVERYTHING:
            raise click.BadParameter(f"{name!r} is none of {', '.join(EVERYTHING)}")
    return chosen


def require_counted(options: Mapping[str, object]) -> None:
    """Refuse a count of a program that is not to run."""
    context, chosen = click.get_current_context(), options["only"]
    assert isinstance(chosen, tuple), "names() made it"
    for option, name in (("matchers", "matcher"), ("deliverers", "deliverer")):
        is_asked = context.get_parameter_source(option) is not ParameterSource.DEFAULT
        if is_asked and name not in chosen:
            raise click.UsageError(f"--{option}: --only leaves the {name} out")


@click.command()
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path, file_okay=False), default=".hooklane",
    show_default=True, help="Where all state is kept; a later start on it finds it again.",
)  # fmt: skip
@click.option(
    "--ready-file", type=click.Path(path_type=Path, dir_okay=False),
    help="Written when everything is ready: JSON with addresses, API key, metrics and pids.  "
    "[default: ready.json in the directory]",
)  # fmt: skip
@click.option("--kafka", callback=brokers, help="Use these brokers (host:port,…), start none.")
@click.option("--registry", callback=http_url, help="Use this registry (URL), start none.")
@click.option(
    "--database",
    callback=database_url,
    help="Use this database (SQLAlchemy URL) in place of an SQLite file.",
)
@click.option("--kafka-port", type=PORT, help="Kafka's port.  [default: a free one]")
@click.option("--registry-port", type=PORT, help="The registry's port.  [default: a free one]")
@click.option("--api-port", type=PORT, help="The control API's port.  [default: a free one]")
@click.option("--matchers", type=INSTANCES, default=1, show_default=True, help="How many to run.")
@click.option(
    "--deliverers", type=INSTANCES, default=1, show_default=True, help="How many: one a core."
)
@click.option("--only", callback=names, help="Run only these programs (comma-separated names).")
def up(directory: Path, ready_file: Path | None, **options: object) -> None:
    """Start Kafka, a schema registry and every service on this machine, and stay up."""
    require_counted(options)
    # Where other commands look for it: `.hooklane/ready.json`, if nothing was named.
    ready_file = ready_file or directory / READY_FILE
    wanted = Wanted(ready_file=ready_file, **options)  # type: ignore[arg-type]  # click checked them
    with held(directory) as state:
        prepare_ready_file(ready_file)
        cache = artefacts.cache_dir(os.environ)
        downloads = fetch(wanted.programs, cache)
        code = asyncio.run(start(wanted, state, cache=cache, download_seconds=downloads))
    sys.exit(code)


async def start(wanted: Wanted, state: Directory, *, cache: Path, download_seconds: float) -> int:
    """Run the stack inside the loop it lives in."""
    stack = Stack(
        wanted=wanted,
        directory=state,
        cache=cache,
        environ=dict(os.environ),
        rng=random.Random(),
        say=teller(),
        download_seconds=download_seconds,
    )
    return await stack.run()


def fetch(programs: tuple[str, ...], cache: Path) -> float:
    """Fetch what is not in the cache, with a progress bar; give the seconds that took."""
    absent = artefacts.missing(programs, cache)
    if not absent:
        return 0.0
    clock = SystemClock()
    began = clock.monotonic()
    with progress_bar(absent) as progress:
        for program in absent:
            artefacts.ensure(program, cache, progress=progress)
    return clock.monotonic() - began


@contextmanager
def progress_bar(programs: tuple[str, ...]) -> Iterator[artefacts.Progress]:
    """Show one bar for everything that is fetched, on standard error."""
    columns = (TextColumn("fetching {task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as bar:
        whole = bar.add_task(" and ".join(programs), total=artefacts.bytes_of(programs))

        @contextmanager
        def one(_filename: str, _size: int) -> Iterator[Callable[[int], None]]:
            yield lambda count: bar.advance(whole, count)

        yield one


def teller() -> Callable[[str, str], None]:
    """Make the function that prints a program's line after the program's name."""
    # Those of which several may run have a number.
    width = max(len(name) for name in EVERYTHING) + len("-1")
    colour = dict(zip(EVERYTHING, itertools.cycle(COLOURS), strict=False))

    def say(name: str, line: str) -> None:
        label = click.style(
            f"{name:<{width}}", fg=colour.get(service_of(name), "white"), bold=name == "up"
        )
        # A reader that went away must not take the stack with it.
        with contextlib.suppress(BrokenPipeError):
            click.echo(f"{label} | {line}")

    return say
