"""Reads requests' bodies whole before the application sees them: bounded one by one and in all.

Counts refusals, whoever refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from hooklane.adapters import metrics
from hooklane.adapters.problems import TooLarge, TooMany, TooSlow, problem_of
from hooklane.domain.errors import Refused

REASONS = {
    400: "invalid", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "not_found",
    408: "too_slow", 413: "too_large", 422: "invalid", 429: "too_many", 503: "unavailable",
}  # fmt: skip
Notice = MutableMapping[str, Any]


class Bodies:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, *, one_max: int, all_max: int, within: timedelta) -> None:
        """Wrap it; the maxima are bytes."""
        self._app, self._one_max, self._all_max = app, one_max, all_max
        self._within = within
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then let the application answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chunks: list[bytes] = []
        try:
            is_whole = await self._read(scope, receive, chunks)
            if is_whole:
                await self._app(scope, _again(b"".join(chunks), receive), _counting(send))
        except Refused as error:
            answer = problem_of(error)
            # What was not read is not worth reading.
            answer.headers["Connection"] = "close"
            await answer(scope, receive, _counting(send))
        finally:
            self._held -= sum(len(chunk) for chunk in chunks)

    async def _read(self, scope: Scope, receive: Receive, chunks: list[bytes]) -> bool:
        """Take the chunks in; tell whether they are all, or the caller went away."""
        self._refuse_beyond(_declared(scope))
        size = 0
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                while True:
                    notice = await receive()
                    if notice["type"] == "http.disconnect":
                        return False
                    chunk = notice.get("body", b"")
                    size += len(chunk)
                    self._refuse_beyond(size)
                    if self._held + len(chunk) > self._all_max:
                        raise TooMany(f"more than {self._all_max} bytes of requests are held")
                    self._held += len(chunk)
                    chunks.append(chunk)
                    if not notice.get("more_body"):
                        return True
        except TimeoutError:
            seconds = self._within.total_seconds()
            raise TooSlow(f"the body did not come within {seconds:g} s") from None

    def _refuse_beyond(self, size: int) -> None:
        if size > self._one_max:
            raise TooLarge(f"the body is larger than {self._one_max} bytes")


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body in one piece, then what else comes."""
    left: list[Notice] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Notice:
        return left.pop() if left else await receive()

    return receive_again


def _counting(send: Send) -> Send:
    async def send_counted(notice: Notice) -> None:
        if notice["type"] == "http.response.start" and notice["status"] >= 400:
            metrics.INGEST_REFUSED.labels(REASONS.get(notice["status"], "internal")).inc()
        await send(notice)

    return send_counted
