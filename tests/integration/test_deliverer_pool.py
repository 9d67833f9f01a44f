"""Endpoints move out of the pool and back, under load and SIGKILL, on real Kafka."""

from collections import Counter
from dataclasses import replace

import pytest

from hooklane.domain.placing import first_in_pool, in_own_lane, in_pool
from hooklane.domain.topics import Partition
from support.delivering import wait_for

pytestmark = pytest.mark.kafka


def move(deployment, endpoint, how):
    """Announce a move, as control does: the lane is there first."""
    moved = replace(how(endpoint, deployment.topics), revision=endpoint.revision + 1)
    if deployment.topics.is_lane(moved.placement.topic):
        spec = deployment.topics.lane_spec(moved.placement.topic)
        deployment.admin.ensure([spec], replication=1)
    return deployment.put(moved)


def test_moving_out_and_back_under_sigkill_loses_and_doubles_nothing(deployment, receiver):
    """Who has not read of a move yet writes where the endpoint was: that is sent too, once."""
    urls, wide = ("/moves", "/stays"), {"pool_waiting_per_endpoint_max": 2_000}
    moves, stays = (deployment.endpoint(receiver.url(url, delay_s=0.02)) for url in urls)
    before = move(deployment, moves, first_in_pool)
    stays = move(deployment, stays, first_in_pool)
    expected = Counter()

    def load(numbers, *endpoints):
        for endpoint in endpoints:
            expected.update(deployment.deliver(endpoint, numbers))

    load(range(150), before, stays)
    process = deployment.start(**wide)
    wait_for(lambda: len(receiver.event_ids("/moves")) > 30, what="some of the first")
    own = move(deployment, before, in_own_lane)
    load(range(150, 250), before, stays)
    load(range(250, 350), own)
    wait_for(lambda: deployment.admin.ends([Partition(own.placement.topic, 0)]), what="the lane")
    wait_for(lambda: len(receiver.event_ids("/moves")) > 120, what="some from the lane")
    process.kill()
    process.wait()
    process = deployment.start(**wide)
    wait_for(lambda: len(receiver.event_ids("/moves")) > 200, what="some after the kill")
    back = move(deployment, own, in_pool)
    load(range(350, 450), own)
    load(range(450, 550), back, stays)
    wait_for(lambda: len(receiver.event_ids("/moves")) > 380, what="some from the pool again")
    process.kill()
    process.wait()
    deployment.start(**wide)
    wait_for(lambda: deployment.is_drained(back, stays), what="drained lanes")

    attempts = deployment.attempts(count=expected.total())
    assert expected == Counter(attempt["delivery_id"] for attempt in attempts)
    assert {"delivered"} == {attempt["verdict"] for attempt in attempts}
    lane = deployment.read(own.placement.topic, count=1)
    assert len({record.value() for record in lane}) == len(lane)
    assert len(lane) >= 200
    assert deployment.read(deployment.topics.dead_letters) == []
