"""`hooklane events`: what was published and matched."""

import click

from hooklane.cli.shown import as_json, client, listing, show_fields, show_json, show_rows

COLUMNS = ("received_at", "id", "tenant", "type", "version", "matched_count", "event_time")


@click.group()
def events() -> None:
    """List and show events."""


@events.command("list")
@click.option("--tenant", help="Only this tenant's.")
@click.option("--type", help="Only of this event type.")
@click.option("--endpoint", "endpoint_id", metavar="EP", help="Only those it gets.")
@listing
@click.option("--text", "q", help="Only those with this text in their payload.")
@as_json
def list_(*, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List events, newest first."""
    with client() as hooklane:
        rows = list(hooklane.events(limit=limit, **chosen))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)


@events.command()
@click.argument("event_id")
@as_json
def show(event_id: str, *, as_json: bool) -> None:
    """Show an event with its payload, who gets it, and how its deliveries stand."""
    with client() as hooklane:
        found = hooklane.event(event_id)
    (show_json if as_json else show_fields)(found)
