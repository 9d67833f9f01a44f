import json

import pytest

from hooklane.control.event_routes import narrowed
from support import logbook
from support.asking import items


@pytest.fixture
def write(bench):
    """Writes rows of the log."""
    return lambda *rows: logbook.write(bench.store._engine, *rows)


def test_events_are_listed_and_shown(api, write):
    """The list is light, the single one has payload, receipt and counts."""
    write(logbook.receipt("evt_1"), logbook.delivered("evt_1", at=2_000))
    (found,) = items(api, "/v1/events")
    assert (found["id"], found["matched_count"], "payload" in found) == ("evt_1", 1, False)
    shown = api.get("/v1/events/evt_1").json()
    assert (json.loads(shown["payload"]), shown["deliveries"]) == ({"n": 1}, {"delivered": 1})
    assert api.get("/v1/events/evt_2").status_code == 404


def test_a_token_for_one_endpoint_is_told_of_that_one_alone():
    """What says nothing of it is no receipt to it."""
    refused = [{"endpoint_id": "ep_2", "reason": "r"}, {"endpoint_id": "ep_3", "reason": "r"}]
    both = {"matched": ["ep_1", "ep_2"], "refused": refused}
    other = {"matched": ["ep_1"], "refused": []}
    assert narrowed([both, other], "ep_2") == [{"matched": ["ep_2"], "refused": refused[:1]}]
