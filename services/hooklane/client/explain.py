"""The client's calls on what was recorded: events, deliveries, one attempt, and why."""

from __future__ import annotations

from collections.abc import Iterator

from hooklane.client.calls import Answer, Calls, segment


class ExplainCalls(Calls):
    """Mixed into `Client`, which sends them."""

    def explain(self, event_id: str, endpoint_id: str) -> Answer:
        """Tell why an endpoint got an event or not, its deliveries, and where they are now."""
        params = {"event_id": event_id, "endpoint_id": endpoint_id}
        return self._call("GET", "/v1/explain", params=params)

    def events(self, *, limit: int | None = None, **chosen: str | None) -> Iterator[Answer]:
        """List events, newest first, by tenant, type, endpoint_id, since, until and q (text)."""
        return self._pages("/v1/events", chosen, limit=limit)

    def event(self, event_id: str) -> Answer:
        """Show an event with its payload and what became of it."""
        return self._call("GET", f"/v1/events/{segment(event_id)}")

    def deliveries(self, *, limit: int | None = None, **chosen: str | None) -> Iterator[Answer]:
        """List deliveries, newest first, by tenant, endpoint_id, event_id, type, state and time."""
        return self._pages("/v1/deliveries", chosen, limit=limit)

    def delivery(self, delivery_id: str, *, event_id: str | None = None) -> Answer:
        """Show a delivery; of an old one that was never attempted name its event too."""
        params = {} if event_id is None else {"event_id": event_id}
        return self._call("GET", f"/v1/deliveries/{segment(delivery_id)}", params=params)

    def attempt(self, attempt_id: str) -> Answer:
        """Show an attempt with its headers, timings and the kept part of the answer's body."""
        return self._call("GET", f"/v1/attempts/{segment(attempt_id)}")
