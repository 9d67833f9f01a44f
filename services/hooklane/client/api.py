"""The control API's calls, over httpx."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from hooklane.client.explain import ExplainCalls
from hooklane.client.health import HealthCalls
from hooklane.client.keys import KeyCalls
from hooklane.client.refusals import error_of
from hooklane.domain.errors import Misconfigured, Unavailable

Answer = dict[str, Any]
TIMEOUT_S = 35.0
PAGE_ROWS = 200


class Client(ExplainCalls, HealthCalls, KeyCalls):
    """Talks to one control API; may be used by several threads.

    Args:
        api: its base URL.
        api_key: a key of the deployment or of a tenant, or a portal token.
        transport: another way to reach it, for tests.
    """

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

    def create_tenant(self, name: str, *, uid: str | None = None) -> Answer:
        """Create a tenant; under your own uid it may be sent again."""
        return self._call("POST", "/v1/tenants", json=_given({"name": name, "uid": uid}))

    def tenant(self, name: str) -> Answer:
        """Show a tenant."""
        return self._call("GET", f"/v1/tenants/{_segment(name)}")

    def tenants(self) -> Iterator[Answer]:
        """List all tenants, oldest first."""
        return self._pages("/v1/tenants", {}, limit=None)

    def create_endpoint(self, **fields: Any) -> Answer:
        """Create an endpoint: tenant, url, subscription and what else the API takes."""
        return self._call("POST", "/v1/endpoints", json=_given(fields))

    def endpoint(self, endpoint_id: str) -> Answer:
        """Show an endpoint."""
        return self._call("GET", _endpoint(endpoint_id))

    def endpoints(
        self, *, tenant: str | None = None, state: str | None = None, uid: str | None = None
    ) -> Iterator[Answer]:
        """List all endpoints, oldest first; deleted ones by `state="deleted"`."""
        chosen = {"tenant": tenant, "state": state, "uid": uid}
        return self._pages("/v1/endpoints", chosen, limit=None)

    def rotate_secret(
        self, endpoint_id: str, *, secret: str | None = None, overlap_s: int | None = None
    ) -> Answer:
        """Renew its secret, shown in this answer; the one before signs on for the overlap."""
        body = _given({"secret": secret, "overlap_s": overlap_s})
        return self._call("POST", f"{_endpoint(endpoint_id)}/rotate-secret", json=body)

    def update_endpoint(self, endpoint_id: str, *, revision: int, **fields: Any) -> Answer:
        """Change the fields given, if the endpoint is still at this revision."""
        headers = {"If-Match": f'"{revision}"'}
        return self._call("PATCH", _endpoint(endpoint_id), json=_given(fields), headers=headers)

    def pause_endpoint(self, endpoint_id: str) -> Answer:
        """Hold its deliveries."""
        return self._call("POST", f"{_endpoint(endpoint_id)}/pause")

    def resume_endpoint(self, endpoint_id: str) -> Answer:
        """Deliver again."""
        return self._call("POST", f"{_endpoint(endpoint_id)}/resume")

    def enable_endpoint(self, endpoint_id: str) -> Answer:
        """Enable a disabled endpoint."""
        return self._call("POST", f"{_endpoint(endpoint_id)}/enable")

    def delete_endpoint(self, endpoint_id: str) -> Answer:
        """Delete it; what waits for it is cancelled."""
        return self._call("DELETE", _endpoint(endpoint_id))

    def attempts(self, *, limit: int | None = None, **chosen: str | None) -> Iterator[Answer]:
        """List attempts, newest first, by event_id, endpoint_id, delivery_id and outcome."""
        return self._pages("/v1/attempts", chosen, limit=limit)

    def dead_letters(self, *, limit: int | None = None, **chosen: str | None) -> Iterator[Answer]:
        """List dead letters, newest first, by endpoint_id and reason."""
        return self._pages("/v1/dead-letters", chosen, limit=limit)

    def dead_letter(self, delivery_id: str) -> Answer:
        """Show a dead letter with its payload."""
        return self._call("GET", f"/v1/dead-letters/{_segment(delivery_id)}")

    def redrive(self, endpoint_id: str, **fields: Any) -> Answer:
        """Put dead letters back: reason, since, limit, delivery_ids, dry_run."""
        body = {"endpoint_id": endpoint_id, **_given(fields)}
        return self._call("POST", "/v1/redrives", json=body)

    def rejected_events(self, *, limit: int = 50) -> list[Answer]:
        """List the newest rejected events."""
        page = self._call("GET", "/v1/rejected-events", params={"limit": limit})
        items: list[Answer] = page["items"]
        return items

    def resubmit(self, positions: Sequence[tuple[int, int]]) -> Answer:
        """Match rejected events again, by (partition, offset)."""
        body = {"positions": [{"partition": p, "offset": offset} for p, offset in positions]}
        return self._call("POST", "/v1/rejected-events/resubmit", json=body)

    def status(self) -> Answer:
        """Tell what waits where, what died of what, and whose clock is off."""
        return self._call("GET", "/v1/status")

    def _pages(
        self, path: str, chosen: Mapping[str, str | None], *, limit: int | None
    ) -> Iterator[Answer]:
        params: dict[str, Any] = _given(chosen)
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
            raise Unavailable(f"control API at {self._http.base_url}: {error}") from None
        if response.is_success:
            answer: Answer = response.json()
            return answer
        raise error_of(response)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _endpoint(endpoint_id: str) -> str:
    return f"/v1/endpoints/{_segment(endpoint_id)}"


def _segment(text: str) -> str:
    return quote(text, safe="")
