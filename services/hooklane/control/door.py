"""What every request passes: how long it is, who asks, and how much they asked lately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from hooklane.adapters.problems import Forbidden, TooLarge, TooMany, problem_of
from hooklane.control import portal_tokens
from hooklane.control.access import Caller, caller_of
from hooklane.control.desk import Desk
from hooklane.control.keys import KeyRing
from hooklane.control.rate_limit import Allowance, Buckets

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_bearer = HTTPBearer(auto_error=False, description="An API key or a portal token.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request and one key may take, and how long a key is believed."""

    rate_per_s: float = 0
    burst: int = 1
    body_bytes_max: int = 262_144
    believed: timedelta = timedelta(seconds=10)


class Door:
    """Finds out who asks, and holds them to their rate."""

    def __init__(self, desk: Desk, *, api_key: str, limits: Limits) -> None:
        """Begin with nobody known."""
        self._desk = desk
        self.keys = KeyRing(
            desk.store, desk.clock, deployment_key=api_key, believed=limits.believed
        )
        self._buckets = Buckets(desk.clock, rate_per_s=limits.rate_per_s, burst=limits.burst)

    def admit(self, request: Request, sent: Credentials) -> None:
        """Note whose request it is.

        Raises:
            Unauthenticated: by no key or token of ours.
            TooMany: they asked too much lately.
            Forbidden: it is the deployment's alone.
        """
        caller = self._caller("" if sent is None else sent.credentials, request)
        request.state.caller = caller
        allowance = self._buckets.take(caller.account)
        request.state.allowance = allowance
        if allowance is not None and not allowance.allowed:
            raise TooMany(f"this key asked too much: try again in {max(1, allowance.wait_s)} s")
        # A route that does not ask who calls tells everybody the same, of every tenant.
        if not caller.is_admin and not _asks_who(request.scope["route"].dependant):
            raise Forbidden("this needs a key of the whole deployment")

    def _caller(self, credentials: str, request: Request) -> Caller:
        if credentials.startswith(portal_tokens.PREFIX):
            return self._desk.tokens.read(credentials, now=self._desk.clock.now())
        address = request.client.host if request.client is not None else ""
        return self.keys.caller(credentials, address=address)


class Threshold:
    """Refuses a body that is too long before it is in memory; tells each answer's rate limit."""

    def __init__(self, app: App, *, body_bytes_max: int) -> None:
        """Stand before an application."""
        self._app, self._max = app, body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        told = Headers(scope=scope).get("content-length", "")
        too_long = f"the body is longer than {self._max} bytes"
        if told.isdigit() and int(told) > self._max:
            refusal = problem_of(TooLarge(too_long))
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        left = self._max

        async def read() -> MutableMapping[str, Any]:
            nonlocal left
            part = await receive()
            left -= len(part.get("body", b""))
            if left < 0:
                raise HTTPException(413, too_long)
            return part

        async def write(part: MutableMapping[str, Any]) -> None:
            allowance = state.get("allowance")
            if part["type"] == "http.response.start" and isinstance(allowance, Allowance):
                headers = MutableHeaders(raw=part["headers"])
                headers.update(allowance.headers())
            await send(part)

        await self._app(scope, read, write)


def _asks_who(dependant: Dependant) -> bool:
    return any(one.call is caller_of or _asks_who(one) for one in dependant.dependencies)
