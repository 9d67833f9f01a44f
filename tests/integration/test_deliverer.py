"""The deliverer on real Kafka, against receivers of every kind."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import Progress, progress_of
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.topics import Partition
from support.delivering import wait_for

pytestmark = pytest.mark.kafka


def test_each_delivery_is_posted_once_signed_and_recorded(deployment, receiver):
    """A healthy endpoint gets each event once, its signature verifies, an Attempt says so."""
    endpoint = deployment.endpoint(receiver.url("/ok"))
    expected = deployment.deliver(endpoint, range(100))
    deployment.start()
    attempts = deployment.attempts(count=100)
    assert expected == sorted((a["delivery_id"] for a in attempts), key=expected.index)
    assert {"delivered"} == {attempt["verdict"] for attempt in attempts}
    assert {f"evt_{n}" for n in range(100)} == set(receiver.event_ids("/ok"))
    assert set() == receiver.doubled("/ok")
    post = receiver.posts[0]
    Webhook(deployment.secrets[endpoint.endpoint_id]).verify(post.body, post.headers)
    lane = endpoint.placement.topic
    wait_for(lambda: _lag(deployment, lane) == 0, what="a drained lane")


def test_what_fails_goes_to_its_tier_and_no_further(deployment, receiver):
    """A 500 leaves an Attempt and the same bytes in the first tier, due within its jitter."""
    endpoint = deployment.endpoint(receiver.url("/bad", status=500))
    expected = deployment.deliver(endpoint, range(10))
    deployment.start()
    retries = deployment.read(deployment.topics.retry(endpoint.retry_schedule[0]), count=10)
    assert sorted(expected) == sorted(record.key().decode() for record in retries)
    progress = progress_of(retries[0].headers())
    assert (
        progress.attempts_made,
        progress.schedule_step,
        progress.last_outcome,
    ) == (1, 1, "rejected")
    assert {("rejected", "retry", 500)} == {
        (a["outcome"], a["verdict"], a["status"]) for a in deployment.attempts(count=10)
    }


def test_410_stops_the_lane_until_a_later_revision(deployment, receiver):
    """One 410: Dead(gone), one Disable command; nothing more is POSTed before a new revision."""
    endpoint = deployment.endpoint(receiver.url("/gone", status=410), in_flight_max=1)
    deployment.deliver(endpoint, range(20))
    deployment.start()
    (dead,) = deployment.read(deployment.topics.dead_letters, count=1)
    assert progress_of(dead.headers()).reason == "gone"
    (command,) = [
        codec("command").decode(record.value())
        for record in deployment.read(deployment.topics.commands, count=1)
    ]
    assert ("disable", endpoint.endpoint_id, 1, "gone") == (
        command["kind"],
        command["endpoint_id"],
        command["revision"],
        command["reason"],
    )
    assert receiver.event_ids("/gone") == ["evt_0"]
    deployment.change(endpoint, url=receiver.url("/back"))
    wait_for(lambda: len(receiver.event_ids("/back")) == 19, what="the rest")


def test_a_paused_backlog_waits_then_starts_in_offset_order(deployment, receiver):
    """Paused: nothing is POSTed however much arrives; resumed: all of it, in order, none twice."""
    endpoint = deployment.endpoint(receiver.url("/paused"), in_flight_max=1)
    paused = deployment.change(endpoint, state=EndpointState.PAUSED)
    healthy = deployment.endpoint(receiver.url("/healthy"))
    deployment.deliver(paused, range(2_500))
    deployment.deliver(healthy, range(50))
    deployment.start()
    wait_for(lambda: len(receiver.event_ids("/healthy")) == 50, what="the healthy one's")
    time.sleep(1.5)
    assert receiver.event_ids("/paused") == []
    deployment.change(paused, state=EndpointState.ACTIVE)
    wait_for(lambda: len(receiver.event_ids("/paused")) >= 2_500, what="the backlog")
    assert [f"evt_{n}" for n in range(2_500)] == receiver.event_ids("/paused")


@pytest.mark.parametrize(
    ("state", "verdict", "dead"), [("disabled", "dead", 450), ("deleted", "cancelled", 0)]
)
def test_a_lane_without_a_live_endpoint_is_emptied(deployment, receiver, state, verdict, dead):
    """Disabled: Dead and redrivable; deleted: Cancelled; either way recorded, never POSTed."""
    endpoint = deployment.endpoint(receiver.url("/never"))
    deployment.change(endpoint, state=EndpointState(state))
    deployment.deliver(endpoint, range(450))
    deployment.start()
    attempts = deployment.attempts(count=450)
    assert [(verdict, f"endpoint_{state}", "none", 0)] * 450 == [
        (a["verdict"], a["reason"], a["outcome"], a["number"]) for a in attempts
    ]
    letters = deployment.read(deployment.topics.dead_letters, count=dead)
    assert dead == len(letters) == len({record.key() for record in letters})
    assert receiver.posts == []


def test_retry_after_holds_the_lane(deployment, receiver):
    """429 with Retry-After: nothing of that lane starts before; the delivery waits in its tier."""
    url = receiver.url("/busy", status=429, headers="Retry-After: 3\r\n")
    endpoint = deployment.endpoint(url, in_flight_max=1)
    deployment.deliver(endpoint, range(3))
    deployment.start()
    wait_for(lambda: len(receiver.event_ids("/busy")) == 2, what="the second POST")
    first, second = receiver.posts[:2]
    assert second.at - first.at >= 3
    (record, *_) = deployment.read(deployment.topics.retry(endpoint.retry_schedule[0]), count=1)
    assert progress_of(record.headers()).not_before.timestamp() - first.at >= 5


def test_nothing_is_posted_before_its_not_before(deployment, receiver):
    """A delivery that lies in its lane too early waits there, and the others go on."""
    endpoint = deployment.endpoint(receiver.url("/later"))
    due = datetime.now(UTC) + timedelta(seconds=8)
    early = Progress(waiting_since=datetime.now(UTC), not_before=due, attempts_made=1)
    deployment.deliver(endpoint, range(100, 110), headers=early.headers())
    deployment.deliver(endpoint, range(10))
    deployment.start()
    wait_for(lambda: len(receiver.posts) == 20, what="all")
    assert {f"evt_{n}" for n in range(10)} == {post.event_id for post in receiver.posts[:10]}
    assert all(post.at >= due.timestamp() for post in receiver.posts[10:])
    assert all(post.at <= due.timestamp() + 1 for post in receiver.posts[10:])


def test_an_old_delivery_dies_of_age_also_in_a_paused_lane(deployment, receiver):
    """Unfinished for `delivery_age_max`: Dead(expired), held or not."""
    endpoint = deployment.endpoint(receiver.url("/old"))
    paused = deployment.change(deployment.endpoint(receiver.url("/p")), state=EndpointState.PAUSED)
    since = datetime.now(UTC) - timedelta(days=31)
    for old in (endpoint, paused):
        deployment.deliver(old, range(100), headers=Progress(waiting_since=since).headers())
        deployment.deliver(old, range(100, 101))
    deployment.start()
    letters = deployment.read(deployment.topics.dead_letters, count=200)
    assert [progress_of(record.headers()).reason for record in letters] == ["expired"] * 200
    assert [post.event_id for post in receiver.posts] == ["evt_100"]


def test_a_record_that_is_no_delivery_is_set_aside_and_passed(deployment, receiver):
    """Garbage costs nobody anything: its bytes are kept with the reason, the lane goes on."""
    endpoint = deployment.endpoint(receiver.url("/ok"))
    deployment.raw(endpoint, b"garbage")
    deployment.deliver(endpoint, range(3))
    deployment.start()
    wait_for(lambda: len(receiver.posts) == 3, what="the deliveries")
    (record,) = deployment.read(deployment.topics.rejected_events, count=1)
    assert record.value() == b"garbage"
    assert f"{endpoint.placement.topic}/0/0" == record.key().decode()
    wait_for(lambda: _lag(deployment, endpoint.placement.topic) == 0, what="a drained lane")


def test_a_slow_endpoint_does_not_delay_another(deployment, receiver):
    """500 deliveries of one endpoint all arrive before a 10-second-slow one's first answer."""
    slow = deployment.endpoint(receiver.url("/slow", delay_s=10))
    fast = deployment.endpoint(receiver.url("/fast"))
    deployment.deliver(slow, range(5_000))
    deployment.start()
    wait_for(lambda: len(receiver.event_ids("/slow")) >= 32, what="the slow one's first")
    began = receiver.posts[0].at
    deployment.deliver(fast, range(500))
    wait_for(lambda: len(receiver.event_ids("/fast")) == 500, what="the fast one's", within_s=10)
    assert max(p.at for p in receiver.posts if p.path == "/fast") < began + 10
    assert len(receiver.event_ids("/slow")) == 32


def test_finished_records_are_deleted_once_old(deployment, receiver):
    """What lies below the committed prefix for `lane_keep` leaves the log; nothing else does."""
    endpoint = deployment.endpoint(receiver.url("/ok"))
    deployment.deliver(endpoint, range(50))
    deployment.start(lane_keep_s=1)
    lane = Partition(endpoint.placement.topic, 0)
    wait_for(lambda: deployment.admin.ends([lane])[lane][0] >= 50, what="trimming")
    paused = deployment.change(endpoint, state=EndpointState.PAUSED)
    time.sleep(0.5)
    deployment.deliver(paused, range(50, 60))
    time.sleep(3)
    deployment.change(paused, state=EndpointState.ACTIVE, revision=3)
    wait_for(lambda: len(receiver.posts) == 60, what="the rest")


def _lag(deployment, lane):
    partition = Partition(lane, 0)
    committed = deployment.admin.committed(deployment.topics.group("deliverer.0"), [partition])
    end = deployment.admin.ends([partition])[partition][1]
    return end - committed[partition].offset if partition in committed else None
