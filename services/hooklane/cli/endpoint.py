"""`hooklane endpoint`: where a tenant's events are posted."""

from collections.abc import Callable
from typing import Any

import click

from hooklane.cli.shown import as_json, client, show_fields, show_json, show_rows
from hooklane.client import Answer, Client
from hooklane.client.calls import given
from hooklane.domain.errors import Invalid

COLUMNS = ("id", "tenant", "state", "effective", "revision", "url", "subscription")


@click.group()
def endpoint() -> None:
    """Create, change, pause and delete endpoints."""


def editable(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that create and update share."""
    options = (
        click.option(
            "--subscribe", "subscription", multiple=True, metavar="PATTERN",
            help="An event type, a prefix such as order.*, or *; repeat it, or use commas.",
        ),
        click.option("--secret", help="whsec_…; by default one is generated."),
        click.option(
            "--header", "headers", multiple=True, metavar="NAME=VALUE",
            help="Sent with every attempt; repeat it.",
        ),
        click.option("--timeout-ms", type=int, help="Per attempt, 1000 to 30000."),
        click.option(
            "--retry", "retry_schedule", metavar="DELAYS", help="Such as 5s,5m,30m; none is ''."
        ),
        click.option(
            "--batch", "batch_count_max", type=int, metavar="COUNT",
            help="So many payloads in one POST at most, 2 to 500; 1 ends it.",
        ),
        click.option(
            "--batch-wait-ms", type=int, help="How long the first waits for others, 1 to 10000."
        ),
        click.option(
            "--rate-per-s", type=int, help="POSTs begun a second, 1 to 100000; 0 ends the limit."
        ),
        click.option("--in-flight-max", type=int, help="Open POSTs, 1 to 1000; 0 ends the limit."),
        click.option("--description", help="For people."),
        click.option(
            "--metadata", multiple=True, metavar="NAME=VALUE", help="Your own texts; repeat it."
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@endpoint.command()
@click.option("--tenant", required=True, help="Whose events it gets.")
@click.option("--url", required=True, help="Where to POST.")
@editable
@click.option("--order", help="none, or key: one key's events one after another; stays so.")
@click.option("--uid", help="Your own name for it: the same create again makes no second one.")
@as_json
def create(tenant: str, url: str, *, as_json: bool, **fields: Any) -> None:
    """Create an endpoint; its secret is shown once."""
    with client() as hooklane:
        made = hooklane.create_endpoint(tenant=tenant, url=url, **body(fields))
    tell(made, as_json=as_json)


@endpoint.command("list")
@click.option("--tenant", help="Only this tenant's.")
@click.option("--state", help="Only those active, paused, disabled or deleted.")
@click.option("--uid", help="Only the one of this uid.")
@as_json
def list_(*, tenant: str | None, state: str | None, uid: str | None, as_json: bool) -> None:
    """List endpoints, oldest first."""
    with client() as hooklane:
        rows = list(hooklane.endpoints(tenant=tenant, state=state, uid=uid))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)


@endpoint.command()
@click.argument("endpoint_id")
@as_json
def show(endpoint_id: str, *, as_json: bool) -> None:
    """Show an endpoint."""
    with client() as hooklane:
        tell(hooklane.endpoint(endpoint_id), as_json=as_json)


@endpoint.command()
@click.argument("endpoint_id")
@as_json
def health(endpoint_id: str, *, as_json: bool) -> None:
    """Show how an endpoint does: since when it fails, success rate and p95 of the last hour."""
    with client() as hooklane:
        found = hooklane.endpoint_health(endpoint_id)
    if as_json:
        show_json(found)
        return
    hour = found.pop("last_hour")
    shown = found | {f"last_hour_{name}": value for name, value in hour.items()}
    show_fields({name: value for name, value in shown.items() if value is not None})


@endpoint.command()
@click.argument("endpoint_id")
@click.option("--url", help="Where to POST.")
@editable
@click.option("--revision", type=int, help="Only if it is still at this one.")
@as_json
def update(endpoint_id: str, *, revision: int | None, as_json: bool, **fields: Any) -> None:
    """Change an endpoint's fields; a new secret signs beside the old one for a day."""
    with client() as hooklane:
        if revision is None:
            revision = hooklane.endpoint(endpoint_id)["revision"]
        changed = hooklane.update_endpoint(endpoint_id, revision=revision, **body(fields))
    tell(changed, as_json=as_json)


@endpoint.command("rotate-secret")
@click.argument("endpoint_id")
@click.option("--secret", help="whsec_…; by default one is generated.")
@click.option("--overlap-s", type=int, help="How long the one before signs on; 0 ends it now.")
@as_json
def rotate_secret(
    endpoint_id: str, *, secret: str | None, overlap_s: int | None, as_json: bool
) -> None:
    """Renew an endpoint's secret; it is shown once."""
    with client() as hooklane:
        rotated = hooklane.rotate_secret(endpoint_id, secret=secret, overlap_s=overlap_s)
    tell(rotated, as_json=as_json)


def _mover(name: str, line: str, call: Callable[[Client, str], Answer]) -> None:
    @endpoint.command(name, help=line)
    @click.argument("endpoint_id")
    @as_json
    def move(endpoint_id: str, *, as_json: bool) -> None:
        with client() as hooklane:
            tell(call(hooklane, endpoint_id), as_json=as_json)


_mover("pause", "Hold an endpoint's deliveries; they wait.", Client.pause_endpoint)
_mover("resume", "Deliver what waits, in its order.", Client.resume_endpoint)
_mover("enable", "Enable an endpoint that was disabled.", Client.enable_endpoint)
_mover("delete", "Delete an endpoint; what waits is cancelled.", Client.delete_endpoint)


@endpoint.command()
@click.argument("endpoint_id")
@click.argument("lane", type=click.Choice(("dedicated", "pool", "auto")))
@as_json
def place(endpoint_id: str, lane: str, *, as_json: bool) -> None:
    """Give an endpoint a lane of its own, a place in the pool, or let it move by itself."""
    with client() as hooklane:
        tell(hooklane.place_endpoint(endpoint_id, lane), as_json=as_json)


def body(fields: dict[str, Any]) -> dict[str, Any]:
    """Turn options into the API's fields; what was not given is left out."""
    patterns = [part.strip() for text in fields["subscription"] for part in text.split(",")]
    delays = fields["retry_schedule"]
    return {
        **{name: value for name, value in fields.items() if not name.startswith("batch_")},
        "batch": batch(fields["batch_count_max"], fields["batch_wait_ms"]),
        "subscription": patterns or None,
        "headers": dict(header(text) for text in fields["headers"]) or None,
        "metadata": dict(header(text, of="--metadata") for text in fields["metadata"]) or None,
        "retry_schedule": None
        if delays is None
        else [part.strip() for part in delays.split(",") if part.strip()],
    }


def batch(count_max: int | None, wait_ms: int | None) -> dict[str, int] | None:
    """Turn the two options of batches into the API's field.

    Raises:
        Invalid: there is a wait, and no count.
    """
    if count_max is None and wait_ms is not None:
        raise Invalid("--batch-wait-ms goes with --batch COUNT")
    return given({"count_max": count_max, "wait_ms": wait_ms}) or None


def header(text: str, *, of: str = "--header") -> tuple[str, str]:
    """Split an option's NAME=VALUE.

    Raises:
        Invalid: there is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"{of} {text[:40]!r} is not NAME=VALUE")
    return name.strip(), value.strip()


def tell(answer: Answer, *, as_json: bool) -> None:
    """Show an endpoint."""
    if as_json:
        show_json(answer)
        return
    shown = {name: value for name, value in answer.items() if value is not None}
    show_fields(shown)
    if not answer["effective"]:
        click.echo("not yet effective: some matcher has not read it, or none runs", err=True)
