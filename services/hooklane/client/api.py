"""The control API's calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hooklane.client.calls import Answer, given, segment
from hooklane.client.explain import ExplainCalls
from hooklane.client.health import HealthCalls
from hooklane.client.keys import KeyCalls
from hooklane.client.logs import LogCalls
from hooklane.client.releases import ReleaseCalls
from hooklane.client.replays import ReplayCalls


class Client(ExplainCalls, HealthCalls, KeyCalls, LogCalls, ReleaseCalls, ReplayCalls):
    """Talks to one control API; may be used by several threads.

    Args:
        api: its base URL.
        api_key: a key of the deployment or of a tenant, or a portal token.
        transport: another way to reach it, for tests.
    """

    def create_tenant(self, name: str, *, uid: str | None = None) -> Answer:
        """Create a tenant; under your own uid it may be sent again."""
        return self._call("POST", "/v1/tenants", json=given({"name": name, "uid": uid}))

    def tenant(self, name: str) -> Answer:
        """Show a tenant."""
        return self._call("GET", f"/v1/tenants/{segment(name)}")

    def tenants(self) -> Iterator[Answer]:
        """List all tenants, oldest first."""
        return self._pages("/v1/tenants", {}, limit=None)

    def create_endpoint(self, **fields: Any) -> Answer:
        """Create an endpoint: tenant, url, subscription and what else the API takes."""
        return self._call("POST", "/v1/endpoints", json=given(fields))

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
        body = given({"secret": secret, "overlap_s": overlap_s})
        return self._call("POST", f"{_endpoint(endpoint_id)}/rotate-secret", json=body)

    def update_endpoint(self, endpoint_id: str, *, revision: int, **fields: Any) -> Answer:
        """Change the fields given, if the endpoint is still at this revision."""
        headers = {"If-Match": f'"{revision}"'}
        return self._call("PATCH", _endpoint(endpoint_id), json=given(fields), headers=headers)

    def pause_endpoint(self, endpoint_id: str) -> Answer:
        """Hold its deliveries."""
        return self._call("POST", f"{_endpoint(endpoint_id)}/pause")

    def resume_endpoint(self, endpoint_id: str) -> Answer:
        """Deliver again."""
        return self._call("POST", f"{_endpoint(endpoint_id)}/resume")

    def enable_endpoint(self, endpoint_id: str) -> Answer:
        """Enable a disabled endpoint."""
        return self._call("POST", f"{_endpoint(endpoint_id)}/enable")

    def place_endpoint(self, endpoint_id: str, lane: str) -> Answer:
        """Choose its lane: `dedicated`, `pool`, or `auto` for whichever suits how it does."""
        return self._call("POST", f"{_endpoint(endpoint_id)}/placement", json={"lane": lane})

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
        return self._call("GET", f"/v1/dead-letters/{segment(delivery_id)}")

    def redrive(self, endpoint_id: str, **fields: Any) -> Answer:
        """Put dead letters back: reason, since, limit, delivery_ids, dry_run."""
        body = {"endpoint_id": endpoint_id, **given(fields)}
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


def _endpoint(endpoint_id: str) -> str:
    return f"/v1/endpoints/{segment(endpoint_id)}"
