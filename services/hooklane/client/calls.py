"""How the client talks to the control API: one connection pool, pages, and refusals as errors.

Every mixin of calls inherits `Calls`; a call of its own is one line that says method and path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from hooklane.client.refusals import error_of
from hooklane.domain.errors import Misconfigured, Unavailable

Answer = dict[str, Any]
TIMEOUT_S = 35.0
PAGE_ROWS = 200


class Calls:
    """Sends requests to one control API.

    Args:
        api: its base URL.
        api_key: a key of the deployment or of a tenant, or a portal token.
        transport: another way to reach it, for tests.
    """

    asked = "control API"

    def __init__(
        self, api: str, api_key: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Connect to nothing yet.

        Raises:
            Misconfigured: the URL is none, or the key could not be sent.
        """
        try:
            base = httpx.URL(api)
        except httpx.InvalidURL as error:
            raise Misconfigured(f"API address {api!r}: {error}") from None
        if base.scheme not in {"http", "https"} or not base.host:
            raise Misconfigured(f"API address {api!r} is not an http or https URL")
        if not api_key.isascii() or not api_key.isprintable():
            raise Misconfigured("the API key has characters that no header can carry")
        self._http = httpx.Client(
            base_url=base,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=TIMEOUT_S,
            transport=transport,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _pages(
        self, path: str, chosen: Mapping[str, str | None], *, limit: int | None
    ) -> Iterator[Answer]:
        params: dict[str, Any] = given(chosen)
        left = limit
        while left is None or left > 0:
            params["limit"] = PAGE_ROWS if left is None else min(left, PAGE_ROWS)
            page = self._call("GET", path, params=params)
            yield from page["items"]
            if left is not None:
                left -= len(page["items"])
            if page["next_cursor"] is None:
                return
            params["cursor"] = page["next_cursor"]

    def _call(self, method: str, path: str, **request: Any) -> Answer:
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            is_sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            told = f"{self.asked} at {self._http.base_url}: {error}"
            raise Unavailable(told, is_sent=is_sent) from None
        if response.is_success:
            answer: Answer = response.json()
            return answer
        raise error_of(response, asked=self.asked)


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not given."""
    return {name: value for name, value in fields.items() if value is not None}


def segment(text: str) -> str:
    """Write an id as one segment of a path."""
    return quote(text, safe="")
