"""`hooklane key`: who may use the API."""

import click

from hooklane.cli.shown import as_json, client, show_fields, show_json, show_rows

COLUMNS = ("id", "name", "tenant", "may_write", "created_at", "last_used_at", "revoked_at")


@click.group()
def key() -> None:
    """Create, list and revoke API keys; make portal tokens."""


@key.command()
@click.argument("name")
@click.option("--tenant", help="Whose; by default the whole deployment's.")
@click.option("--read-only", is_flag=True, help="It changes nothing.")
@as_json
def create(name: str, *, tenant: str | None, read_only: bool, as_json: bool) -> None:
    """Create an API key; it is shown once."""
    with client() as hooklane:
        made = hooklane.create_key(name, tenant=tenant, may_write=not read_only)
    (show_json if as_json else show_fields)(made)


@key.command("list")
@click.option("--tenant", help="Only this tenant's.")
@as_json
def list_(*, tenant: str | None, as_json: bool) -> None:
    """List API keys, newest first, also revoked ones."""
    with client() as hooklane:
        rows = list(hooklane.keys(tenant=tenant))
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, COLUMNS)


@key.command()
@click.argument("key_id")
@as_json
def revoke(key_id: str, *, as_json: bool) -> None:
    """Revoke an API key: within seconds it opens nothing."""
    with client() as hooklane:
        revoked = hooklane.revoke_key(key_id)
    if as_json:
        show_json(revoked)
    else:
        click.echo(f"key {revoked['id']} ({revoked['name']}) revoked")


@key.command("portal-token")
@click.argument("tenant")
@click.option("--endpoint", "endpoint_id", help="For this endpoint alone.")
@click.option("--may-write", is_flag=True, help="It may change endpoints, redrive, resend.")
@click.option("--expires-in-s", type=int, default=3_600, show_default=True, help="At most 86400.")
@as_json
def portal_token(
    tenant: str, *, endpoint_id: str | None, may_write: bool, expires_in_s: int, as_json: bool
) -> None:
    """Make a short-lived token for a tenant's own people."""
    with client() as hooklane:
        made = hooklane.create_portal_token(
            tenant, endpoint_id=endpoint_id, may_write=may_write, expires_in_s=expires_in_s
        )
    (show_json if as_json else show_fields)(made)
