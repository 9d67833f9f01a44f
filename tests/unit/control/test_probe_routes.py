"""A probe, as a caller asks for it."""

import orjson
import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.store import Recorded
from hooklane.control.probe_routes import WAITING_MAX, ProbeRoutes
from hooklane.domain.ids import delivery_id as id_of_delivery
from hooklane.recorder.rows import attempt_row
from support.commands import disable
from support.control import draft
from support.recording import attempt_value


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft(timeout_ms=3_000)).json()["id"]


def commands(bench):
    return [codec("command").decode(r.value()) for r in bench.records(bench.topics.commands)]


def answered(bench, *, after_s=0.5, **fields):
    """Stand for deliverer and recorder: write the probe's attempt, a little later."""
    pass_on, store = bench.clock.sleep, SqlRecorderStore(bench.store._engine)
    since = bench.clock.monotonic()

    def pass_time(seconds):
        pass_on(seconds)
        if bench.clock.monotonic() - since < after_s or not (asked := commands(bench)):
            return
        bench.clock.sleep = pass_on
        value = attempt_value(
            1,
            delivery_id=id_of_delivery(
                event_id=asked[-1]["event_id"], endpoint_id=asked[-1]["endpoint_id"],
                trigger="probe", command_id=asked[-1]["command_id"],
            ),
            event_id=asked[-1]["event_id"],
            endpoint_id=asked[-1]["endpoint_id"],
            trigger="probe",
            **fields,
        )  # fmt: skip
        store.record("recorder", Recorded(attempts=[attempt_row(value)], redriven={}))

    bench.clock.sleep = pass_time


def test_the_answer_is_the_attempt(api, bench, endpoint_id):
    """The command carries an example of a subscribed type, rendered as an event."""
    answered(bench, outcome="succeeded", status=200, verdict="delivered", due_at=None)

    answer = api.post(f"/v1/endpoints/{endpoint_id}/probe", json={"type": "order.shipped"})

    (command,) = commands(bench)
    body, payload = answer.json(), orjson.loads(command["payload"])
    assert answer.status_code == 200
    assert (body["attempt"]["status"], body["attempt"]["trigger"]) == (200, "probe")
    assert (command["kind"], command["type"], command["version"]) == ("probe", "order.shipped", 1)
    assert payload["id"] == command["event_id"] == body["event_id"] == body["attempt"]["event_id"]
    assert command["content_type"] == "application/json"


def test_one_that_does_not_come_in_time_is_accepted(api, bench, endpoint_id):
    """The endpoint's timeout and two seconds are waited for; no body names no type."""
    began = bench.clock.monotonic()

    answer = api.post(f"/v1/endpoints/{endpoint_id}/probe")

    waited = bench.clock.monotonic() - began
    assert (answer.status_code, answer.json()["attempt"]) == (202, None)
    assert answer.json()["type"] == "order.created"
    # Reading of the schemas takes its time too.
    assert 5 <= waited < 6


def test_the_wait_is_bounded_by_a_setting(tmp_path):
    """However long the endpoint may take."""
    from support.control import Bench

    bench = Bench(
        url=f"sqlite:///{tmp_path}/c.db", environment={"HOOKLANE_CONTROL_PROBE_WAIT_MS": "700"}
    )

    assert bench.desk.probe_wait.total_seconds() == 0.7
    bench.store.close()


def test_a_paused_endpoint_is_probed_and_a_disabled_or_deleted_one_is_not(api, bench, endpoint_id):
    """409 and 404."""
    path = f"/v1/endpoints/{endpoint_id}"
    api.post(f"{path}/pause")
    answered(bench)
    assert api.post(f"{path}/probe").status_code == 200
    api.post(f"{path}/resume")
    disable(bench, endpoint_id, revision=3)
    assert api.post(f"{path}/probe").status_code == 409
    api.delete(path)

    assert api.post(f"{path}/probe").status_code == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"type": "user.registered"}, "type: the endpoint does not subscribe"),
        ({"type": "order.unknown"}, "type: no schema of order.unknown is known"),
        ({"typ": "x"}, "typ"),
    ],
)
def test_what_can_not_be_sent_is_refused(api, bench, endpoint_id, body, text):
    """And nothing is asked for."""
    answer = api.post(f"/v1/endpoints/{endpoint_id}/probe", json=body)

    assert answer.status_code == 422
    assert text in answer.json()["detail"]
    assert commands(bench) == []


def test_waiting_answers_are_few(bench):
    """One more is answered at once: it takes no thread from others."""
    routes = ProbeRoutes(bench.desk)
    for _ in range(WAITING_MAX):
        assert routes._waiting.acquire(blocking=False)

    assert routes._wait(None, None) is None
