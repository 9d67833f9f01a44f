"""The client's call on an endpoint's health."""

from __future__ import annotations

from hooklane.client.calls import Answer, Calls, segment


class HealthCalls(Calls):
    """Mixed into `Client`, which sends them."""

    def endpoint_health(self, endpoint_id: str) -> Answer:
        """Tell since when an endpoint fails, how often, its success rate and p95."""
        return self._call("GET", f"/v1/endpoints/{segment(endpoint_id)}/health")
