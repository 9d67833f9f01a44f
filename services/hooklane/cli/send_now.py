"""`hooklane send-now`: put an endpoint's waiting retries in its lane at once."""

import click

from hooklane.cli.shown import as_json, client, show_json


@click.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@as_json
def send_now(endpoint_id: str, *, as_json: bool) -> None:
    """Send what waits for a retry now; a paused endpoint holds it in its lane."""
    with client() as hooklane:
        answer = hooklane.send_now(endpoint_id)
    if as_json:
        show_json(answer)
    else:
        click.echo(f"send-now {answer['command_id']}: {answer['count']} retries were waiting")
