"""An endpoint's flow on real Kafka, as its receiver sees it."""

import time

import pytest

from hooklane.adapters.codec import codec
from support.delivering import wait_for

pytestmark = pytest.mark.kafka


def told(deployment):
    """Give the states of the lanes that were told of, the newest of each."""
    found = {}
    for record in deployment.read(deployment.topics.positions, count=1):
        for lane in codec("position").decode(record.value())["lanes"]:
            found[lane["endpoint_id"]] = lane["state"]
    return found


def test_a_rate_is_kept_a_breaker_opens_and_closes_and_nobody_else_waits(deployment, receiver):
    """20 a second for one, next to none for a broken one until it is back, all for a third."""
    slow = deployment.endpoint(receiver.url("/slow"), rate_per_s=20)
    broken = deployment.endpoint(receiver.url("/broken", status=500))
    plain = deployment.endpoint(receiver.url("/plain"))
    for endpoint, count in ((slow, 80), (broken, 400), (plain, 400)):
        deployment.deliver(endpoint, range(count))
    deployment.start(in_flight_adaptive=True, breaker_attempts_min=50)
    wait_for(lambda: len(receiver.event_ids("/plain")) == 400, what="the plain one's")
    wait_for(lambda: "breaker.opened" in deployment.log(), what="an open breaker")
    time.sleep(1.5)
    assert {slow.endpoint_id: "throttled", broken.endpoint_id: "broken"} == told(deployment)
    assert 50 <= len(receiver.event_ids("/broken")) < 120
    receiver.url("/broken")
    wait_for(lambda: "breaker.closed" in deployment.log(), what="a closed breaker")
    wait_for(lambda: len(receiver.event_ids("/broken")) == 400, what="the broken one's")
    wait_for(lambda: len(receiver.event_ids("/slow")) == 80, what="the slow one's")
    times = [post.at for post in receiver.posts if post.path == "/slow"]
    assert times[-1] - times[0] >= 2.8
    assert all(later - earlier >= 0.9 for earlier, later in zip(times, times[40:], strict=False))
