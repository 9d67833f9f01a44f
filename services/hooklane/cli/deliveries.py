"""`hooklane deliveries`: each event's way to each endpoint, and where it is now."""

import click

from hooklane.cli.shown import as_json, client, listing, show_fields, show_json, show_rows

COLUMNS = (
    "received_at", "id", "endpoint_id", "type", "trigger", "state", "tier", "due_at", "attempts",
    "reason",
)  # fmt: skip


@click.group()
def deliveries() -> None:
    """List and show deliveries."""


@deliveries.command("list")
@click.option("--tenant", help="Only this tenant's.")
@click.option("--endpoint", "endpoint_id", metavar="EP", help="Only to this endpoint.")
@click.option("--event", "event_id", metavar="EVT", help="Only of this event.")
@click.option("--type", help="Only of this event type.")
@click.option(
    "--state", help="Only those in_lane, held, waiting, delivered, dead or cancelled now."
)
@listing
@as_json
def list_(*, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List deliveries, newest first."""
    with client() as hooklane:
        rows = list(hooklane.deliveries(limit=limit, **chosen))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)


@deliveries.command()
@click.argument("delivery_id")
@click.option("--event", "event_id", metavar="EVT", help="Its event: needed of an old one.")
@as_json
def show(delivery_id: str, *, event_id: str | None, as_json: bool) -> None:
    """Show a delivery."""
    with client() as hooklane:
        found = hooklane.delivery(delivery_id, event_id=event_id)
    (show_json if as_json else show_fields)(found)
