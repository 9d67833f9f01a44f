"""Who asks, and what they may see and change.

A key belongs to the deployment (`tenant` None) or to one tenant; a portal token to a tenant or one
of its endpoints. What belongs to another is not found, so that nobody learns what exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from hooklane.adapters.problems import Forbidden
from hooklane.domain.errors import NotFound

__all__ = ["Caller", "CallerOf", "Forbidden", "caller_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever sent a request: their key's name, their tenant (None: every one), their rights.

    `endpoint_id` narrows a portal token to one endpoint; `expires_at` is a token's end.
    """

    name: str
    tenant: str | None = None
    may_write: bool = True
    endpoint_id: str | None = None
    key_id: str = ""
    expires_at: datetime | None = None

    @property
    def is_admin(self) -> bool:
        """Tell whether they own the deployment."""
        return self.tenant is None and self.may_write

    @property
    def account(self) -> str:
        """Name whose rate limit a request counts for."""
        return self.key_id or self.name

    def scope(self, tenant: str | None, *, endpoint_id: str | None = None) -> str | None:
        """Give the tenant that a list is of: the one asked for, or the caller's own.

        Args:
            tenant: the one asked for.
            endpoint_id: the endpoint the list is narrowed to, if it is.

        Raises:
            NotFound: another tenant was asked for.
            Forbidden: they may see one endpoint only, and the list is of others too.
        """
        if self.tenant is None:
            return tenant
        if tenant not in (None, self.tenant):
            raise NotFound(f"no tenant {tenant!r}")
        if self.endpoint_id not in (None, endpoint_id):
            raise Forbidden(f"this token is for endpoint {self.endpoint_id}: name it")
        return self.tenant

    def require(self, tenant: str, what: str, *, endpoint_id: str | None = None) -> None:
        """Refuse what belongs to another tenant or endpoint, as if it were not there.

        Args:
            tenant: whose it is.
            what: how it is called, such as `endpoint ep_x`.
            endpoint_id: the endpoint it belongs to, if it belongs to one.

        Raises:
            NotFound: it is another's.
        """
        if self.tenant not in (None, tenant) or self.endpoint_id not in (None, endpoint_id):
            raise NotFound(f"no {what}")

    def require_write(self) -> None:
        """Refuse changes.

        Raises:
            Forbidden: the key only reads.
        """
        if not self.may_write:
            raise Forbidden("this key may read only")

    def require_admin(self) -> None:
        """Refuse what is the deployment's own.

        Raises:
            Forbidden: the key is a tenant's, or only reads.
        """
        if not self.is_admin:
            raise Forbidden("this needs a key of the whole deployment")


def caller_of(request: Request) -> Caller:
    """Give whom authentication found."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


CallerOf = Annotated[Caller, Depends(caller_of)]
