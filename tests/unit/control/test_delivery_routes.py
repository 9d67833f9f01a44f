from support import logbook
from support.asking import items, refusal


def test_deliveries_are_listed_and_shown(api, bench):
    """Each with its state now."""
    logbook.write(bench.store._engine, logbook.receipt("evt_1", ["ep_1", "ep_2"]))
    found = items(api, "/v1/deliveries", limit=1)
    assert [(one["endpoint_id"], one["state"], one["attempts"]) for one in found] == [
        ("ep_1", "in_lane", 0)
    ]
    shown = api.get(f"/v1/deliveries/{logbook.of('evt_1', 'ep_2')}").json()
    assert (shown["event_id"], shown["last_attempt_at"]) == ("evt_1", None)
    assert refusal(api.get("/v1/deliveries/dlv_x"))[0] == 404
