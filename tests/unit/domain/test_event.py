"""An event is one immutable fact."""

import dataclasses
from datetime import UTC, datetime

import pytest

from hooklane.domain.event import Event, SourcePosition


def test_an_event_never_changes():
    """Its payload is what was signed."""
    event = Event(
        event_id="evt_a",
        tenant="acme",
        event_type="order.created",
        version=1,
        key=None,
        event_time=datetime(2026, 11, 24, tzinfo=UTC),
        source=SourcePosition(topic="events.order", partition=0, offset=1),
        payload=b"{}",
    )

    with pytest.raises(dataclasses.FrozenInstanceError):
        event.payload = b"other"
    assert event.content_type == "application/json"
