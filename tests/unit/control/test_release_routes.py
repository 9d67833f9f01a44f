"""Send now, as a caller asks for it."""

from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.store import Recorded
from hooklane.control.access import Caller, Forbidden
from hooklane.control.release_routes import ReleaseRoutes
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import NotFound
from hooklane.recorder.rows import attempt_row
from support.commands import disable
from support.control import draft
from support.recording import attempt_value


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


def waits(bench, number, endpoint_id, *, tries=1, **fields):
    """Record a delivery's attempts, the newest of which waits unless told otherwise."""
    now = bench.clock.now()
    due_at = to_ms(now + timedelta(hours=1))
    rows = [
        attempt_row(
            attempt_value(
                one, **{"attempt_id": f"att_{number}_{one}", "delivery_id": f"dlv_{number}",
                "endpoint_id": endpoint_id, "started_at": to_ms(now), "due_at": due_at,
                **(fields if one == tries else {})},
            )
        )
        for one in range(1, tries + 1)
    ]  # fmt: skip
    SqlRecorderStore(bench.store._engine).record("recorder", Recorded(attempts=rows, redriven={}))


def commands(bench):
    return [codec("command").decode(r.value()) for r in bench.records(bench.topics.commands)]


def test_the_command_is_owed_and_what_waits_is_counted(api, bench, endpoint_id):
    """A delivery counts once, by its newest attempt."""
    waits(bench, 1, endpoint_id)
    waits(bench, 2, endpoint_id, tries=3)
    waits(bench, 3, endpoint_id, tries=2, verdict="delivered", due_at=None)
    waits(bench, 4, endpoint_id, due_at=to_ms(bench.clock.now()))
    waits(bench, 5, "ep_other")

    answer = api.post(f"/v1/endpoints/{endpoint_id}/send-now")

    (command,) = commands(bench)
    assert answer.status_code == 202
    assert answer.json() == {"command_id": command["command_id"], "count": 2, "dry_run": False}
    assert (command["kind"], command["endpoint_id"]) == ("send_now", endpoint_id)


def test_a_paused_endpoint_is_sent_to_its_lane(api, endpoint_id):
    """Where it is held."""
    api.post(f"/v1/endpoints/{endpoint_id}/pause")

    assert api.post(f"/v1/endpoints/{endpoint_id}/send-now").status_code == 202


def test_a_deleted_one_is_not_found_and_a_disabled_one_a_conflict(api, bench, endpoint_id):
    """And nothing is asked of the data plane."""
    disable(bench, endpoint_id, revision=1)
    assert api.post(f"/v1/endpoints/{endpoint_id}/send-now").status_code == 409
    api.delete(f"/v1/endpoints/{endpoint_id}")

    assert api.post(f"/v1/endpoints/{endpoint_id}/send-now").status_code == 404
    assert api.post("/v1/endpoints/ep_nobody/send-now").status_code == 404
    assert [command["kind"] for command in commands(bench)] == ["disable"]


def test_foreign_and_reading_keys_may_not(api, bench, endpoint_id):
    """A foreign endpoint looks like none."""
    del api
    routes = ReleaseRoutes(bench.desk)

    with pytest.raises(NotFound):
        routes.send_now(endpoint_id, Caller(name="other's", tenant="other"))
    with pytest.raises(Forbidden):
        routes.send_now(endpoint_id, Caller(name="reader", may_write=False))
