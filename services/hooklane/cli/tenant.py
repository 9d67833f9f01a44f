"""`hooklane tenant`: the customers on whose behalf events are published."""

import click

from hooklane.cli.shown import as_json, client, show_fields, show_json, show_rows


@click.group()
def tenant() -> None:
    """Create and list tenants."""


@tenant.command()
@click.argument("name")
@as_json
def create(name: str, *, as_json: bool) -> None:
    """Create a tenant."""
    with client() as hooklane:
        made = hooklane.create_tenant(name)
    if as_json:
        show_json(made)
    else:
        click.echo(f"tenant {made['name']} created")


@tenant.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """List tenants, oldest first."""
    with client() as hooklane:
        rows = list(hooklane.tenants())
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, ("name", "created_at"))


@tenant.command()
@click.argument("name")
@as_json
def show(name: str, *, as_json: bool) -> None:
    """Show a tenant."""
    with client() as hooklane:
        found = hooklane.tenant(name)
    (show_json if as_json else show_fields)(found)
