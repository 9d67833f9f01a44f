"""Who is moved, and who is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.adapters.health_store import Observation
from hooklane.control.build import placer_of
from hooklane.domain.health import Health
from support.control import draft

HOUR = timedelta(hours=1)


@pytest.fixture
def placer(bench):
    found = placer_of(bench.world, bench.own, kafka=bench.kafka)
    found.ring = bench.ring
    return found


def lanes_max(bench, placer, count):
    object.__setattr__(bench.desk, "lanes_max", count)
    placer._lanes_max = count


def create(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


def lane(api, endpoint_id):
    return api.get(f"/v1/endpoints/{endpoint_id}").json()["lane"]


def observe(bench, endpoint_id, **fields):
    health = replace(Health(endpoint_id=endpoint_id, tenant="acme"), **fields)
    found = [Observation(health=health)]
    bench.store.observe([endpoint_id], lambda _: found, at=bench.clock.now())


def fails(bench, endpoint_id, count=9):
    at = bench.clock.now()
    observe(bench, endpoint_id, failing_since=at, consecutive_failures=count)


def test_who_fails_in_the_pool_gets_a_lane_of_its_own(api, bench, placer):
    """Its topic is there before the revision that names it."""
    lanes_max(bench, placer, 0)
    failing, healthy = create(api), create(api)
    lanes_max(bench, placer, 1)
    fails(bench, failing)
    assert placer.look() == 1
    bench.ring()
    assert (lane(api, failing), lane(api, healthy)) == ("dedicated", "pool")
    _, told = bench.announced()[-1]
    assert told["placement"]["topic"] in bench.admin.topics()
    assert [place["topic"] for place in told["former"]] == [bench.topics.pool]
    assert placer.look() == 0


def test_a_quiet_endpoint_gives_its_lane_to_one_that_wants_it(api, bench, placer):
    """And keeps it as long as nobody does."""
    lanes_max(bench, placer, 1)
    quiet, failing = create(api), create(api)
    fails(bench, failing)
    assert placer.look() == 0
    bench.clock.advance(2 * HOUR)
    assert placer.look() == 2
    assert (lane(api, failing), lane(api, quiet)) == ("dedicated", "pool")


def test_nobody_is_moved_whom_a_hand_placed(api, bench, placer):
    """Neither out of the pool nor into it."""
    lanes_max(bench, placer, 2)
    own, other = create(api), create(api)
    api.post(f"/v1/endpoints/{own}/placement", json={"lane": "dedicated"})
    api.post(f"/v1/endpoints/{other}/placement", json={"lane": "pool"})
    lanes_max(bench, placer, 1)
    fails(bench, other)
    bench.clock.advance(2 * HOUR)
    assert placer.look() == 0
    assert (lane(api, own), lane(api, other)) == ("dedicated", "pool")


def test_one_that_is_deleted_meanwhile_is_not_moved(api, bench, placer):
    """Its deletion is the newer revision."""
    lanes_max(bench, placer, 0)
    failing = create(api)
    fails(bench, failing)
    assert placer.look() == 0
    api.delete(f"/v1/endpoints/{failing}")
    lanes_max(bench, placer, 1)
    assert placer.look() == 0


def test_a_step_tells_the_relay_and_ends_when_it_is_closed(api, bench, placer):
    """Nothing waits behind it."""
    lanes_max(bench, placer, 0)
    failing = create(api)
    lanes_max(bench, placer, 1)
    fails(bench, failing)
    placer.close()
    placer.step()
    assert bench.announced()[-1][1]["placement"]["topic"] != bench.topics.pool
