"""Routes of API keys and portal tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from hooklane.adapters.store import KeptKey, PageRequest
from hooklane.control.access import CallerOf, Forbidden
from hooklane.control.answers import Page, cursor_of, read_cursor, rfc3339, write_cursor
from hooklane.control.desk import Desk
from hooklane.control.drafts import require_kept
from hooklane.control.keys import digest_of, new_key
from hooklane.control.portal_tokens import Grant
from hooklane.control.requests import KeyDraft, PortalTokenDraft
from hooklane.control.routes import CursorText, Limit
from hooklane.domain.errors import Invalid, NotFound
from hooklane.domain.ids import new_key_id

_KEY: dict[str, Any] = {
    "id": "key_abcdefghijklmnopqrstuvwxyz",
    "name": "acme's backend",
    "tenant": "acme",
    "may_write": True,
    "created_at": "2026-03-01T08:00:00.000Z",
    "last_used_at": None,
    "revoked_at": None,
    "key": "hlk_2VtUyl0mWm5nKDjB8uRkGvF4c4nT0oT3yZ1sQ9xWvAA",
}


class KeyAnswer(BaseModel):
    """An API key."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    id: str
    name: str
    tenant: str | None = Field(description="Null: the whole deployment's.")
    may_write: bool
    created_at: str
    last_used_at: str | None = Field(description="To within some minutes.")
    revoked_at: str | None
    key: str | None = Field(None, description="Only in the answer that created it.")


class PortalTokenAnswer(BaseModel):
    """A portal token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "hlp_azE.q1Yx…",
                    "tenant": "acme",
                    "endpoint_id": None,
                    "may_write": False,
                    "expires_at": "2026-03-01T09:00:00.000Z",
                }
            ]
        }
    )

    token: str = Field(description="Sent as `Authorization: Bearer …`.")
    tenant: str
    endpoint_id: str | None
    may_write: bool
    expires_at: str


class KeyRoutes:
    """`/v1/keys` and `/v1/portal-tokens`; `forget` drops what authentication knows of a key."""

    def __init__(self, desk: Desk, forget: Callable[[str], None]) -> None:
        """Keep the desk."""
        self._desk, self._forget = desk, forget

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1", tags=["keys"])
        router.post("/keys", status_code=201, summary="Create an API key")(self.create)
        router.get("/keys", summary="List API keys")(self.list)
        router.delete("/keys/{key_id}", summary="Revoke an API key")(self.revoke)
        router.post("/portal-tokens", status_code=201, summary="Create a portal token")(self.grant)
        return router

    def create(self, draft: KeyDraft, caller: CallerOf) -> KeyAnswer:
        """Create an API key; the only answer that shows it."""
        caller.require_admin()
        desk, key = self._desk, new_key()
        kept = KeptKey(
            key_id=new_key_id(),
            name=draft.name,
            tenant=draft.tenant,
            may_write=draft.may_write,
            created_at=desk.clock.now(),
        )
        desk.store.add_key(kept, digest=digest_of(key), keys_max=desk.keys_max)
        return _shown(kept, key=key)

    def list(
        self,
        caller: CallerOf,
        tenant: str | None = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Page:
        """List API keys, newest first, also revoked ones."""
        caller.require_admin()
        page = PageRequest(limit=limit, after=read_cursor(cursor))
        found = self._desk.store.keys(page, tenant=tenant)
        last = found[-1] if len(found) == limit else None
        return Page(
            items=[_shown(key).model_dump() for key in found],
            next_cursor=last and write_cursor(cursor_of(last.created_at, last.key_id)),
        )

    def revoke(self, key_id: str, caller: CallerOf) -> KeyAnswer:
        """Revoke an API key: within seconds it opens nothing anywhere."""
        caller.require_admin()
        kept = self._desk.store.revoke_key(key_id, at=self._desk.clock.now())
        self._forget(key_id)
        return _shown(kept)

    def grant(self, draft: PortalTokenDraft, caller: CallerOf) -> PortalTokenAnswer:
        """Create a portal token: it opens one tenant, or one endpoint of it, and ends by itself."""
        caller.require_write()
        if caller.expires_at is not None:
            raise Forbidden("a portal token makes no other: this needs a key")
        caller.scope(draft.tenant)
        desk = self._desk
        try:
            desk.store.tenant(draft.tenant)
        except NotFound as error:
            raise Invalid(f"tenant: there is {error.detail}") from None
        if draft.endpoint_id is not None:
            self._require_endpoint(draft.endpoint_id, tenant=draft.tenant)
        grant = Grant(
            tenant=draft.tenant,
            endpoint_id=draft.endpoint_id,
            may_write=draft.may_write,
            expires_at=desk.clock.now() + timedelta(seconds=draft.expires_in_s),
        )
        return PortalTokenAnswer(
            token=desk.tokens.write(grant),
            tenant=grant.tenant,
            endpoint_id=grant.endpoint_id,
            may_write=grant.may_write,
            expires_at=rfc3339(grant.expires_at),
        )

    def _require_endpoint(self, endpoint_id: str, *, tenant: str) -> None:
        try:
            endpoint = self._desk.store.endpoint(endpoint_id).endpoint
            require_kept(endpoint)
        except NotFound as error:
            raise Invalid(f"endpoint_id: {error.detail}") from None
        if endpoint.tenant != tenant:
            raise Invalid(f"endpoint_id: no endpoint {endpoint_id!r}")


def _shown(kept: KeptKey, *, key: str | None = None) -> KeyAnswer:
    used, revoked = kept.last_used_at, kept.revoked_at
    return KeyAnswer(
        id=kept.key_id,
        name=kept.name,
        tenant=kept.tenant,
        may_write=kept.may_write,
        created_at=rfc3339(kept.created_at),
        last_used_at=None if used is None else rfc3339(used),
        revoked_at=None if revoked is None else rfc3339(revoked),
        key=key,
    )
