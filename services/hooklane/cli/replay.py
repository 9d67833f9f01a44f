"""`hooklane replay` and `hooklane resend`: past events go again to one endpoint."""

import sys
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hooklane.adapters.clock import SystemClock
from hooklane.cli.shown import as_json, client, show_fields, show_json, show_rows
from hooklane.client import Answer, Client
from hooklane.domain.errors import Invalid

LOOK_EVERY_S = 0.5
COLUMNS = (
    "created_at", "id", "endpoint_id", "state", "total", "done", "matched", "undecodable",
    "finished_at",
)  # fmt: skip


@click.group(invoke_without_command=True)
@click.option("--endpoint", "endpoint_id", metavar="EP", help="To whom.")
@click.option("--since", metavar="TIME", help="Appended since, such as 2026-03-01T08:00:00Z.")
@click.option("--until", metavar="TIME", help="Appended before.")
@click.option("--topic", help="Only of this source topic.")
@click.option("--partition", type=click.IntRange(0), help="Only of this partition.")
@click.option("--from", "from_offset", type=click.IntRange(0), help="From this offset on.")
@click.option("--to", "to_offset", type=click.IntRange(0), help="Below this offset.")
@click.option(
    "--rate",
    "rate_per_s",
    metavar="N",
    type=click.IntRange(0),
    help="Deliveries a second, at most; 100 where none is named, 0: as fast as it goes.",
)
@click.option("--partial", is_flag=True, help="Take what the log still holds, if not all.")
@click.option("--dry-run", is_flag=True, help="Count it and do nothing.")
@click.option("--wait", is_flag=True, help="Stay until it has ended; 1 where it did not finish.")
@as_json
@click.pass_context
def replay(
    context: click.Context,
    /,
    *,
    endpoint_id: str | None,
    wait: bool,
    as_json: bool,
    **fields: str | int | None,
) -> None:
    """Match a part of the event log again for one endpoint, also from before it existed.

    Name a time (--since, --until) or offsets of a topic (--topic, --partition, --from, --to). Only
    what the endpoint subscribes to now is sent, under the ids it always had.
    """
    if context.invoked_subcommand is not None:
        return
    if endpoint_id is None:
        raise Invalid("--endpoint: name it, or one of list, show and cancel")
    with client() as hooklane:
        answer = hooklane.start_replay(endpoint_id, **fields)
        if wait and answer["id"] is not None:
            answer = watched(hooklane, answer, sleep=SystemClock().sleep)
    if as_json:
        show_json(answer)
    else:
        click.echo(told(answer))
    if wait and answer["state"] in ("cancelled", "ended"):
        raise click.exceptions.Exit(1)


@replay.command("list")
@click.option("--endpoint", "endpoint_id", metavar="EP", help="Only this endpoint's.")
@click.option("--tenant", help="Only this tenant's.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@as_json
def list_(*, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List replays, newest first."""
    with client() as hooklane:
        rows = list(hooklane.replays(limit=limit, **chosen))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)


@replay.command()
@click.argument("replay_id", metavar="REPLAY")
@as_json
def show(replay_id: str, *, as_json: bool) -> None:
    """Show a replay and how far it is."""
    with client() as hooklane:
        found = hooklane.replay(replay_id)
    (show_json if as_json else show_fields)(found)


@replay.command()
@click.argument("replay_id", metavar="REPLAY")
@as_json
def cancel(replay_id: str, *, as_json: bool) -> None:
    """End a replay before its end; what it brought back stays."""
    with client() as hooklane:
        answer = hooklane.cancel_replay(replay_id)
    if as_json:
        show_json(answer)
    else:
        click.echo(f"replay {replay_id} ends after its present batch")


@click.command()
@click.argument("event_id", metavar="EVENT")
@click.option("--endpoint", "endpoint_id", required=True, metavar="EP", help="To whom.")
@as_json
def resend(event_id: str, endpoint_id: str, *, as_json: bool) -> None:
    """Send a past event to an endpoint again."""
    with client() as hooklane:
        answer = hooklane.resend(event_id, endpoint_id)
    if as_json:
        show_json(answer)
    else:
        click.echo(f"resend {answer['command_id']} is under way as {answer['delivery_id']}")


def watched(hooklane: Client, answer: Answer, *, sleep: Callable[[float], None]) -> Answer:
    """Show how a replay goes on until it has ended; give how it ended.

    Ctrl-C ends the watching, not the replay.
    """
    columns: tuple[Any, ...] = (
        TextColumn("replaying"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[matched]} matched"),
        TimeRemainingColumn(),
    )
    quiet = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        line = bar.add_task("", total=answer["total"], matched=0)
        while True:
            found = hooklane.replay(answer["id"])
            bar.update(line, completed=found["done"], matched=found["matched"])
            if found["finished_at"] is not None:
                return found
            sleep(LOOK_EVERY_S)


def told(answer: Answer) -> str:
    """Say in a line what a replay is, or was."""
    places = len(answer["ranges"])
    extent = f"up to {answer['total']} events in {places} partitions"
    if answer["dry_run"]:
        return f"{extent} would be replayed"
    if answer["finished_at"] is None:
        return f"replay {answer['id']} of {extent} is under way"
    passed = f", {answer['undecodable']} undecodable" if answer["undecodable"] else ""
    why = f" ({answer['reason']})" if answer["reason"] else ""
    return (
        f"replay {answer['id']} {answer['state']}{why}: "
        f"{answer['read']} events read, {answer['matched']} matched{passed}"
    )
