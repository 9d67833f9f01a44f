"""The client's calls on counts over time."""

from __future__ import annotations

from hooklane.client.calls import Answer, Calls, given, segment


class LogCalls(Calls):
    """Mixed into `Client`, which sends them."""

    def stats(self, **chosen: str | None) -> Answer:
        """Count attempts by bucket (minute, hour, day), tenant, endpoint_id, type and time."""
        return self._call("GET", "/v1/stats", params=given(chosen))

    def endpoint_stats(self, endpoint_id: str, **chosen: str | None) -> Answer:
        """Count one endpoint's attempts, by bucket, type and time."""
        path = f"/v1/endpoints/{segment(endpoint_id)}/stats"
        return self._call("GET", path, params=given(chosen))
