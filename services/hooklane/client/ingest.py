"""Publishes events over HTTP: the ingest API's calls, for producers without a Kafka client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hooklane.client.calls import Answer, Calls, given

PATH = "/v1/events"


class Ingest(Calls):
    """Talks to one ingest API; may be used by several threads.

    After Unavailable the events may have been written: the same call again, with the same ids or
    `idempotency_key`, is the same events.

    Args:
        api: its base URL.
        api_key: a publisher's key.
        transport: another way to reach it, for tests.
    """

    asked = "ingest API"

    def publish(
        self,
        event_type: str,
        values: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        **said: Any,
    ) -> Answer:
        """Publish one event; give what the API says of it once the brokers have it.

        Args:
            event_type: its type.
            values: its values, as JSON has them.
            idempotency_key: its id, where `said` has none.
            said: tenant, id, source, time, key, subject, version.
        """
        event = {"type": event_type, "data": values, **given(said)}
        (answer,) = self._post(event, idempotency_key)
        return answer

    def publish_all(
        self, events: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[Answer]:
        """Publish several events, as the API takes them: all of them, or none."""
        return self._post({"events": list(events)}, idempotency_key)

    def _post(self, body: Mapping[str, Any], idempotency_key: str | None) -> list[Answer]:
        headers = given({"Idempotency-Key": idempotency_key})
        events: list[Answer] = self._call("POST", PATH, json=body, headers=headers)["events"]
        return events
