"""The client's calls that send something at once: what waits for a retry, or an example."""

from __future__ import annotations

from hooklane.client.calls import Answer, Calls, given, segment


class ReleaseCalls(Calls):
    """Mixed into `Client`, which sends them."""

    def send_now(self, endpoint_id: str) -> Answer:
        """Put an endpoint's waiting retries in its lane at once; answers how many wait."""
        return self._call("POST", f"/v1/endpoints/{segment(endpoint_id)}/send-now")

    def probe(self, endpoint_id: str, *, event_type: str | None = None) -> Answer:
        """Send an example event past the queue; `attempt` is null where it did not come in time."""
        path, body = f"/v1/endpoints/{segment(endpoint_id)}/probe", given({"type": event_type})
        return self._call("POST", path, json=body)
