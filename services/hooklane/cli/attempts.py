"""`hooklane attempts`: the attempt log, by whatever the API filters by."""

import click

from hooklane.cli.shown import as_json, client, listing, show_fields, show_json, show_rows

COLUMNS = (
    "started_at", "delivery_id", "type", "number", "outcome", "status", "timings.total_ms",
    "verdict", "due_at", "reason", "error",
)  # fmt: skip


@click.command()
@click.argument("attempt_id", required=False)
@click.option("--tenant", help="Only this tenant's.")
@click.option("--event", "event_id", metavar="EVT", help="Of this event.")
@click.option("--endpoint", "endpoint_id", metavar="EP", help="Of this endpoint.")
@click.option("--delivery", "delivery_id", metavar="DLV", help="Of this delivery.")
@click.option("--type", help="Of this event type.")
@click.option("--outcome", help="Only those that met this, such as timed_out.")
@click.option("--verdict", help="Only those that ended delivered, retry, dead or cancelled.")
@click.option("--status", help="Only those answered with this status, such as 503.")
@listing
@click.option("--text", "q", help="Only those with this text in their event's payload.")
@as_json
def attempts(attempt_id: str | None, *, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List attempts, newest first; or show ATTEMPT_ID with all that is kept of it."""
    with client() as hooklane:
        if attempt_id is not None:
            found = hooklane.attempt(attempt_id)
            (show_json if as_json else show_fields)(found)
            return
        rows = list(hooklane.attempts(limit=limit, **chosen))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)
