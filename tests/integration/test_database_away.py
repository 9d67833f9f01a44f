"""With PostgreSQL stopped: deliveries go on, the API says so, and the log catches up after."""

from contextlib import ExitStack

import httpx
import pytest

from hooklane.client import Client
from support.deliveries import an_endpoint
from support.delivering import Deployment, Receiver, wait_for
from support.postgresql import Missing, server
from support.services import API_KEY, Service, control_environment, free_port

pytestmark = pytest.mark.kafka
KEY = {"Authorization": f"Bearer {API_KEY}"}
# Unlike the path's other processes control and recorder need the database.
PROGRAMS = ("control", "recorder")


@pytest.fixture
def stand(bootstrap, prefix, tmp_path):
    """PostgreSQL, a receiver, a deployment's deliverer, and its control and recorder."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(server())
        except Missing as missing:
            pytest.skip(str(missing))
        receiver = Receiver()
        stack.callback(receiver.close)
        deployment = Deployment(bootstrap, prefix, tmp_path)
        stack.callback(deployment.close)
        port = free_port()
        environment = {
            **control_environment(database.url, port),
            "HOOKLANE_CONTROL_EFFECTIVE_WAIT_MS": "0",
            "HOOKLANE_RECORDER_DATABASE_URL": database.url,
            **deployment.environment,
        }
        services = [Service(name, _own(environment, name), tmp_path / name) for name in PROGRAMS]
        for service in services:
            service.start()
            # Nothing is asked of how they end, and that takes time.
            stack.callback(service.kill)
        deployment.start()
        for service in services:
            service.wait_ready()
        yield database, receiver, deployment, f"http://127.0.0.1:{port}"


def _own(environment, name):
    """Leave out the settings of other programs, which are refused."""
    foreign = {f"HOOKLANE_{other.upper()}_" for other in (*PROGRAMS, "deliverer") if other != name}
    return {k: v for k, v in environment.items() if not k.startswith(tuple(foreign))}


def test_deliveries_go_on_the_api_says_503_and_the_log_catches_up(stand):
    """The database is for looking and for changing; nothing that is delivered needs it."""
    database, receiver, deployment, api = stand
    client = Client(api, API_KEY)
    client.create_tenant("acme")
    draft = {"tenant": "acme", "url": receiver.url("/hook"), "subscription": ["order.*"]}
    endpoint_id = client.create_endpoint(**draft)["id"]
    lane = deployment.topics.lane(endpoint_id)
    wait_for(lambda: lane in deployment.admin.topics(), what="the lane")
    endpoint = an_endpoint(endpoint_id, lane=lane)

    def recorded():
        found = httpx.get(f"{api}/v1/attempts", headers=KEY).raise_for_status().json()["items"]
        return sorted(attempt["event_id"] for attempt in found)

    deployment.deliver(endpoint, range(5))
    wait_for(lambda: len(recorded()) == 5, what="the first attempts")

    database.stop()
    deployment.deliver(endpoint, range(5, 10))
    wait_for(lambda: len(receiver.event_ids("/hook")) == 10, what="the deliveries")
    answers = [
        httpx.get(f"{api}/v1/attempts", headers=KEY),
        httpx.post(f"{api}/v1/endpoints", headers=KEY, json=draft),
    ]
    assert [answer.status_code for answer in answers] == [503, 503]
    kinds = {answer.headers["content-type"] for answer in answers}
    assert kinds == {"application/problem+json"}
    assert {answer.json()["status"] for answer in answers} == {503}

    database.start()
    wait_for(lambda: len(deployment.attempts(count=10)) == 10, what="the attempts on their topic")
    wait_for(lambda: _is_well(recorded), what="the log")
    assert recorded() == sorted(f"evt_{number}" for number in range(10))
    assert sorted(receiver.event_ids("/hook")) == recorded()
    client.close()


def _is_well(recorded):
    try:
        return len(recorded()) == 10
    except httpx.HTTPStatusError:
        return False
