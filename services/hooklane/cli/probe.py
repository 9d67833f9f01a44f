"""`hooklane probe`: send an endpoint an example event, past its queue, and show what it met."""

from typing import Any

import click

from hooklane.cli.shown import as_json, client, show_fields, show_json


@click.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option("--type", "event_type", help="An event type it subscribes to.")
@as_json
def probe(endpoint_id: str, *, event_type: str | None, as_json: bool) -> None:
    """Send an example event, marked X-Webhook-Probe: true; nothing follows from it."""
    with client() as hooklane:
        answer = hooklane.probe(endpoint_id, event_type=event_type)
    if as_json:
        show_json(answer)
    else:
        show_fields(told(answer))


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """Give what people want to see of a probe."""
    attempt = answer["attempt"]
    shown = {name: answer[name] for name in ("event_id", "type", "version")}
    if attempt is None:
        return shown | {"attempt": f"none yet: hooklane attempts --event {answer['event_id']}"}
    names = ("outcome", "status", "error", "response_body")
    return shown | {"total_ms": attempt["timings"]["total_ms"], **{n: attempt[n] for n in names}}
