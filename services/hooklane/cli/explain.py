"""`hooklane explain`: why an endpoint got an event, or did not, and where it is now."""

from collections.abc import Iterator
from typing import Any

import click

from hooklane.cli.attempt_lines import line
from hooklane.cli.shown import as_json, client, show_json
from hooklane.client import Answer

NOT_RECORDED = "not recorded"


@click.command()
@click.argument("event_id", metavar="EVENT")
@click.argument("endpoint_id", metavar="ENDPOINT")
@as_json
def explain(event_id: str, endpoint_id: str, *, as_json: bool) -> None:
    """Say why ENDPOINT got EVENT, or did not.

    EVENT is an event id (evt_…), or of a rejected event its source position, TOPIC/PARTITION/OFFSET
    as `hooklane rejected list` shows it.
    """
    with client() as hooklane:
        answer = hooklane.explain(event_id, endpoint_id)
    if as_json:
        show_json(answer)
    else:
        click.echo("\n".join(story(answer)))


def story(answer: Answer) -> Iterator[str]:
    """Tell an explanation: verdict, facts, then each delivery with its attempts."""
    yield f"{answer['verdict'].replace('_', ' ')}: {answer['why']}"
    yield ""
    facts = answer["facts"]
    yield f"event      {_event(facts['event'])}"
    yield f"endpoint   {_endpoint(facts['endpoint'])}"
    yield f"then       {_revision(facts['revision_in_force'])}"
    for delivery in answer["deliveries"]:
        yield f"delivery   {delivery['delivery_id']}  {_standing(delivery)}"
        for attempt in delivery["attempts"]:
            yield f"             {line(attempt)}"


def _event(event: dict[str, Any] | None) -> str:
    if event is None:
        return NOT_RECORDED
    return (
        f"{event['event_id']}  {event['type']} v{event['version']} of {event['tenant']}, "
        f"{event['event_time']}, from {event['source']}"
    )


def _endpoint(endpoint: dict[str, Any]) -> str:
    return (
        f"{endpoint['endpoint_id']}  {endpoint['state']}, revision {endpoint['revision']}, "
        f"created {endpoint['created_at']}"
    )


def _revision(revision: dict[str, Any] | None) -> str:
    if revision is None:
        return "no revision of it was known to the matcher"
    wanted = ", ".join(revision["subscription"])
    because = f" ({revision['state_reason']})" if revision["state_reason"] else ""
    return f"revision {revision['revision']}, {revision['state']}{because}, wants {wanted}"


def _standing(delivery: dict[str, Any]) -> str:
    said = f"by {delivery['trigger']}, {delivery['state'].replace('_', ' ')}"
    if delivery["reason"]:
        said += f" ({delivery['reason']})"
    if delivery["due_at"]:
        said += f" in tier {delivery['tier']} until {delivery['due_at']}"
    return said
