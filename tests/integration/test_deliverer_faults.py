"""What a deliverer keeps when it is killed, stopped, or has to share: real Kafka, real signals."""

import time
from collections import Counter

import pytest

from support.delivering import wait_for

pytestmark = pytest.mark.kafka


def test_sigkill_with_a_thousand_under_way_loses_and_doubles_nothing(deployment, receiver):
    """Each is settled once; only what no committed tick had recorded is POSTed a second time."""
    wide = {"in_flight_per_endpoint_max": 800, "connections_per_host_max": 2_000}
    good = deployment.endpoint(receiver.url("/good"))
    bad = deployment.endpoint(receiver.url("/bad", status=500))
    late = deployment.endpoint(receiver.url("/late"))
    lanes = (good, bad, late)
    expected = Counter(x for lane in lanes for x in deployment.deliver(lane, range(300)))
    process = deployment.start(**wide)
    deployment.attempts(count=900)
    receiver.url("/good", hang=True)
    receiver.url("/bad", hang=True)
    for lane in (good, bad):
        expected.update(deployment.deliver(lane, range(300, 1_000)))
    wait_for(lambda: receiver.open_count >= 1_000, what="a thousand under way")
    # Some of these are answered and in no tick yet when the end comes.
    expected.update(deployment.deliver(late, range(300, 800)))
    wait_for(lambda: len(receiver.event_ids("/late")) >= 400, what="some late ones")
    process.kill()
    process.wait()
    killed_ms = int(time.time() * 1_000)
    assert receiver.open_count >= 1_000
    receiver.url("/good")
    receiver.url("/bad", status=500)
    deployment.start(**wide)

    attempts = deployment.attempts(count=expected.total())
    assert expected == Counter(attempt["delivery_id"] for attempt in attempts)
    retries = deployment.read(deployment.topics.retry(bad.retry_schedule[0]), count=1_000)
    assert len(retries) == len({record.key() for record in retries}) == 1_000
    assert deployment.read(deployment.topics.dead_letters) == []
    for endpoint, path in ((good, "/good"), (bad, "/bad"), (late, "/late")):
        recorded = {
            attempt["event_id"]
            for attempt in attempts
            if attempt["started_at"] < killed_ms and attempt["endpoint_id"] == endpoint.endpoint_id
        }
        assert len(recorded) >= 300
        assert receiver.doubled(path).isdisjoint(recorded)


def test_two_deliverers_share_the_lanes_and_post_nothing_twice(deployment, receiver):
    """A member comes, another goes: where answers take under a second, no event is POSTed twice."""
    endpoints = [deployment.endpoint(receiver.url(f"/{n}", delay_s=0.3)) for n in range(6)]
    first = deployment.start()
    expected = []
    for round_number in range(12):
        if round_number == 3:
            deployment.start(ordinal=1)
        if round_number == 8:
            first.terminate()
        for endpoint in endpoints:
            numbers = range(round_number * 40, round_number * 40 + 40)
            expected += deployment.deliver(endpoint, numbers)
        time.sleep(0.5)
    attempts = deployment.attempts(count=len(expected))
    assert Counter(expected) == Counter(attempt["delivery_id"] for attempt in attempts)
    assert [set()] * 6 == [receiver.doubled(f"/{n}") for n in range(6)]
    assert first.wait(35) == 0


def test_sigterm_cuts_what_hangs_and_records_it(deployment, receiver):
    """Stopped: nothing new starts, open POSTs end or are cut, all of it committed, exit code 0."""
    hung = deployment.endpoint(receiver.url("/hung", hang=True))
    slow = deployment.endpoint(receiver.url("/slow", delay_s=1.5))
    deployment.deliver(hung, range(100))
    deployment.deliver(slow, range(100))
    process = deployment.start(stop_wait_ms=3_000)
    wait_for(lambda: len(receiver.posts) >= 64, what="open POSTs")
    began = time.monotonic()
    process.terminate()
    assert process.wait(30) == 0
    assert time.monotonic() - began < 10
    posted = len(receiver.posts)
    attempts = deployment.attempts(count=posted)
    assert {
        ("delivered", "succeeded", 200): posted - 32,
        ("retry", "timed_out", None): 32,
    } == Counter(
        (attempt["verdict"], attempt["outcome"], attempt["status"]) for attempt in attempts
    )
    time.sleep(1)
    assert posted == len(receiver.posts)


def test_a_restarted_deliverer_does_not_repeat_what_finished_out_of_order(deployment, receiver):
    """What finished above a hung head rides in the commit: nothing of it is POSTed again."""
    endpoint = deployment.endpoint(receiver.url("/ok"))
    deployment.deliver(endpoint, range(1))
    process = deployment.start()
    wait_for(lambda: len(receiver.posts) == 1, what="the first")
    receiver.url("/ok", hang=True)
    deployment.deliver(endpoint, range(1, 2))
    wait_for(lambda: len(receiver.posts) == 2, what="the hung one")
    receiver.url("/ok")
    deployment.deliver(endpoint, range(2, 1_002))
    deployment.attempts(count=1_001)
    process.kill()
    process.wait()
    deployment.start()
    attempts = deployment.attempts(count=1_002)
    assert len(attempts) == 1_002
    assert receiver.doubled("/ok") == {"evt_1"}
