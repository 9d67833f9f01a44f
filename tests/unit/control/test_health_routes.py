from datetime import timedelta

import pytest

from hooklane.adapters.health_store import Observation
from hooklane.control.access import Caller
from hooklane.control.health_routes import EXAMPLE, HealthAnswer, HealthRoutes
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import NotFound
from hooklane.domain.health import Health, Met, Rules, observed
from support.control import draft


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


def test_before_its_first_attempt_an_endpoint_is_healthy(api, endpoint_id):
    """Nothing is known, and nothing speaks against it."""
    shown = api.get(f"/v1/endpoints/{endpoint_id}/health").json()
    assert (shown["state"], shown["failing_since"], shown["last_outcome"]) == (
        "healthy",
        None,
        None,
    )
    assert shown["last_hour"] == {
        "attempts": 0,
        "successes": 0,
        "success_rate": None,
        "p95_ms": None,
    }


def test_what_is_known_is_shown(api, bench, endpoint_id):
    """Since when it fails, how often, and the last hour."""
    now = bench.clock.now()
    met = Met(
        attempt_id="att_a", delivery_id="dlv_a", event_id="evt_a", event_type="order.created",
        at_ms=to_ms(now), outcome=Outcome.REJECTED, status=500, latency_ms=12,
    )  # fmt: skip
    attempts = [met, met._replace(at_ms=to_ms(now + timedelta(seconds=1)))]
    known = Health(endpoint_id=endpoint_id, tenant="acme")
    health, _ = observed(known, attempts, rules=Rules(failing_after=2), now=now)
    bench.store.observe([endpoint_id], lambda _: [Observation(health=health)], at=now)
    shown = api.get(f"/v1/endpoints/{endpoint_id}/health").json()
    assert (shown["state"], shown["consecutive_failures"]) == ("failing", 2)
    assert (shown["last_outcome"], shown["last_status"]) == ("rejected", 500)
    assert shown["failing_since"] < shown["last_failure_at"]
    assert shown["last_hour"] == {
        "attempts": 2,
        "successes": 0,
        "success_rate": 0.0,
        "p95_ms": 15,
    }


def test_unknown_and_foreign_endpoints_are_not_found(api, bench, endpoint_id):
    """Nobody learns what exists."""
    assert api.get("/v1/endpoints/ep_nobody/health").status_code == 404
    routes = HealthRoutes(bench.desk)
    with pytest.raises(NotFound):
        routes.show(endpoint_id, Caller(name="other's", tenant="other"))
    mine = routes.show(endpoint_id, Caller(name="acme's", tenant="acme", may_write=False))
    assert mine.endpoint_id == endpoint_id


def test_the_example_is_an_answer():
    """What the description shows is what comes."""
    assert HealthAnswer(**EXAMPLE).model_dump() == EXAMPLE
