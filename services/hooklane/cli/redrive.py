"""`hooklane redrive`: put dead letters back in their lane, under the same ids."""

import click

from hooklane.cli.shown import as_json, client, show_json


@click.command()
@click.option("--endpoint", "endpoint_id", required=True, metavar="EP", help="Whose.")
@click.option("--reason", help="Only those that died of this, such as exhausted.")
@click.option("--since", metavar="TIME", help="Only those since, such as 2026-03-01T08:00:00Z.")
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@click.option("--delivery", "delivery_ids", multiple=True, metavar="DLV", help="Only these.")
@click.option("--dry-run", is_flag=True, help="Count them and do nothing.")
@as_json
def redrive(
    endpoint_id: str,
    *,
    delivery_ids: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **fields: str | int | None,
) -> None:
    """Put an endpoint's dead letters back in its lane."""
    with client() as hooklane:
        answer = hooklane.redrive(
            endpoint_id, dry_run=dry_run, delivery_ids=list(delivery_ids), **fields
        )
    if as_json:
        show_json(answer)
    elif dry_run:
        click.echo(f"{answer['count']} dead letters would be redriven")
    else:
        click.echo(f"redrive {answer['command_id']} of {answer['count']} dead letters is under way")
