"""The client's calls on what was recorded, against the API itself."""

import pytest

from hooklane.domain.errors import NotFound
from support.control import draft
from support.explaining import EVENT, attempt, receipt


def test_an_event_s_way_can_be_followed(bench, hooklane):
    """From the event to its deliveries, their attempts, and the reason behind them."""
    endpoint_id = hooklane.create_endpoint(**draft())["id"]
    receipt(bench, matched=[endpoint_id])
    own = attempt(bench, endpoint_id, 1)
    assert [event["id"] for event in hooklane.events(tenant="acme")] == [EVENT]
    assert hooklane.event(EVENT)["matched"] == [endpoint_id]
    assert [one["id"] for one in hooklane.deliveries(event_id=EVENT, limit=5)] == [own]
    assert hooklane.delivery(own, event_id=EVENT)["endpoint_id"] == endpoint_id
    assert hooklane.attempt("att_1")["delivery_id"] == own
    assert hooklane.explain(EVENT, endpoint_id)["verdict"] == "matched"


def test_what_is_not_there_is_refused(hooklane):
    """Also ids that would be paths."""
    for ask in (hooklane.event, hooklane.delivery, hooklane.attempt):
        with pytest.raises(NotFound):
            ask("a/b")
