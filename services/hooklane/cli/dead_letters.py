"""`hooklane dead-letters`: deliveries that never succeeded."""

import click

from hooklane.cli.shown import as_json, client, show_fields, show_json, show_rows

COLUMNS = (
    "died_at", "delivery_id", "endpoint_id", "event_id", "type", "reason", "attempts_made",
    "last_outcome",
)  # fmt: skip


@click.group("dead-letters")
def dead_letters() -> None:
    """List and show dead letters."""


@dead_letters.command("list")
@click.option("--endpoint", "endpoint_id", metavar="EP", help="Only this endpoint's.")
@click.option("--reason", help="Only those that died of this, such as exhausted.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@as_json
def list_(*, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List dead letters, newest first."""
    with client() as hooklane:
        rows = list(hooklane.dead_letters(limit=limit, **chosen))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)


@dead_letters.command()
@click.argument("delivery_id")
@as_json
def show(delivery_id: str, *, as_json: bool) -> None:
    """Show a dead letter with its payload."""
    with client() as hooklane:
        found = hooklane.dead_letter(delivery_id)
    (show_json if as_json else show_fields)(found)
