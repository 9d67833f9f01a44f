"""The client's calls on what goes again out of the event log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hooklane.client.calls import Answer, Calls, given, segment


class ReplayCalls(Calls):
    """Mixed into `Client`, which sends them."""

    def resend(self, event_id: str, endpoint_id: str) -> Answer:
        """Send a past event to an endpoint again; give its command and its delivery."""
        body = {"event_id": event_id, "endpoint_id": endpoint_id}
        return self._call("POST", "/v1/resends", json=body)

    def start_replay(self, endpoint_id: str, **fields: Any) -> Answer:
        """Replay a part of the event log: since and until, or topic, partition and offsets."""
        body = {"endpoint_id": endpoint_id, **given(fields)}
        return self._call("POST", "/v1/replays", json=body)

    def replay(self, replay_id: str) -> Answer:
        """Show a replay and how far it is."""
        return self._call("GET", f"/v1/replays/{segment(replay_id)}")

    def replays(self, *, limit: int | None = None, **chosen: str | None) -> Iterator[Answer]:
        """List replays, newest first, by tenant and endpoint_id."""
        return self._pages("/v1/replays", chosen, limit=limit)

    def cancel_replay(self, replay_id: str) -> Answer:
        """End a replay before its end."""
        return self._call("POST", f"/v1/replays/{segment(replay_id)}/cancel")
