"""`hooklane attempts`: the attempt log of an event, an endpoint or a delivery."""

import click

from hooklane.cli.shown import as_json, client, show_json, show_rows

COLUMNS = (
    "started_at", "delivery_id", "type", "number", "outcome", "status", "timings.total_ms",
    "verdict", "due_at", "reason", "error",
)  # fmt: skip


@click.command()
@click.option("--event", "event_id", metavar="EVT", help="Of this event.")
@click.option("--endpoint", "endpoint_id", metavar="EP", help="Of this endpoint.")
@click.option("--delivery", "delivery_id", metavar="DLV", help="Of this delivery.")
@click.option("--outcome", help="Only those that met this, such as timed_out.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@as_json
def attempts(*, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List attempts, newest first."""
    with client() as hooklane:
        rows = list(hooklane.attempts(limit=limit, **chosen))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)
