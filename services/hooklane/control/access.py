"""Who asks, and what they may see and change.

A key belongs to the deployment (`tenant` None) or to one tenant. What belongs to another tenant is
not found, so that nobody learns what exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from hooklane.adapters.problems import Forbidden
from hooklane.domain.errors import NotFound

__all__ = ["Caller", "CallerOf", "Forbidden", "caller_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever sent a request: their key's name, their tenant (None: every one), their rights."""

    name: str
    tenant: str | None = None
    may_write: bool = True

    @property
    def is_admin(self) -> bool:
        """Tell whether they own the deployment."""
        return self.tenant is None and self.may_write

    def scope(self, tenant: str | None) -> str | None:
        """Give the tenant that a list is of: the one asked for, or the caller's own.

        Raises:
            NotFound: another tenant was asked for.
        """
        if self.tenant is None:
            return tenant
        if tenant not in (None, self.tenant):
            raise NotFound(f"no tenant {tenant}")
        return self.tenant

    def require(self, tenant: str, what: str) -> None:
        """Refuse what belongs to another tenant, as if it were not there.

        Args:
            tenant: whose it is.
            what: how it is called, such as `endpoint ep_x`.

        Raises:
            NotFound: it is another tenant's.
        """
        if self.tenant not in (None, tenant):
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
