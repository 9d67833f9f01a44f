"""`hooklane status`: what waits where and until when, what died of what, whose clock is off."""

import click

from hooklane.cli.shown import as_json, client, show_json, show_rows
from hooklane.client import Answer


@click.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show lanes, retry tiers, dead letters and clocks."""
    with client() as hooklane:
        found = hooklane.status()
    if as_json:
        show_json(found)
    else:
        show(found)


def show(found: Answer) -> None:
    """Print a status for people."""
    owed = found["outbox_unpublished"]
    click.echo(f"hooklane {found['release']} at {found['at']}; changes not yet told: {owed}\n")
    if guard := found["exhaustion_guard"]:
        click.echo(
            f"exhaustion guard since {guard['since']}, until {guard['until']}: of "
            f"{guard['attempted']} endpoints tried {guard['succeeded']} succeeded\n"
        )
    click.echo("lanes")
    show_rows(found["lanes"], ("endpoint_id", "tenant", "state", "lag", "lane"))
    if found["former_lanes"]:
        click.echo("\nlanes that were left and are not drained")
        columns = ("endpoint_id", "tenant", "lag", "lane", "partition")
        show_rows(found["former_lanes"], columns)
    if found["flows"]:
        click.echo("\nlanes that flow less than they may")
        show_rows(found["flows"], ("endpoint_id", "state", "in_flight_limit", "until"))
    if found["pool"]:
        click.echo("\npool")
        show_rows(found["pool"], ("partition", "endpoints", "lag"))
    click.echo("\nretry tiers")
    show_rows(found["tiers"], ("tier", "waiting", "until"))
    click.echo("\ndead letters")
    counts = [{"reason": reason, "count": n} for reason, n in found["dead_letters"].items()]
    show_rows(counts, ("reason", "count"))
    click.echo("\nclocks, against the broker's")
    show_rows(found["clocks"], ("instance", "ahead_ms"))
