"""The client's call on an endpoint's health."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

Answer = dict[str, Any]


class HealthCalls:
    """Mixed into `Client`, which sends them."""

    def endpoint_health(self, endpoint_id: str) -> Answer:
        """Tell since when an endpoint fails, how often, its success rate and p95."""
        return self._call("GET", f"/v1/endpoints/{quote(endpoint_id, safe='')}/health")

    def _call(self, method: str, path: str, **request: Any) -> Answer:
        raise NotImplementedError
