"""`hooklane rejected`: events that could not be matched, and submitting them again."""

import click

from hooklane.cli.shown import as_json, client, show_json, show_rows
from hooklane.domain.errors import Invalid

COLUMNS = ("partition", "offset", "rejected_at", "source", "reason", "error", "bytes")


@click.group()
def rejected() -> None:
    """List rejected events, and match them again."""


@rejected.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@as_json
def list_(*, limit: int, as_json: bool) -> None:
    """List the newest rejected events."""
    with client() as hooklane:
        rows = hooklane.rejected_events(limit=limit)
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)


@rejected.command()
@click.argument("positions", nargs=-1, required=True, metavar="PARTITION:OFFSET…")
@as_json
def resubmit(positions: tuple[str, ...], *, as_json: bool) -> None:
    """Match rejected events again, once their cause is mended."""
    with client() as hooklane:
        answer = hooklane.resubmit([position(text) for text in positions])
    if as_json:
        show_json(answer)
    else:
        click.echo(f"resubmission {answer['command_id']} of {answer['count']} is under way")


def position(text: str) -> tuple[int, int]:
    """Read PARTITION:OFFSET.

    Raises:
        Invalid: it is not two numbers.
    """
    partition, _, offset = text.partition(":")
    if not (partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        raise Invalid(f"{text[:40]!r} is not PARTITION:OFFSET, such as 0:17")
    return int(partition), int(offset)
