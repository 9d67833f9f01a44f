"""The verdict table: what each answer leaves behind, on the twin."""

from datetime import timedelta

import pytest

from hooklane.adapters.http.port import Outcome
from hooklane.domain.delivery import Progress, progress_of
from support.deliveries import delivery_bytes
from support.posting import (
    OK,
    SECOND,
    TOPICS,
    DelivererBench,
    answer_all,
    failed,
    status,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


@pytest.mark.parametrize("code", [200, 201, 204, 299])
def test_2xx_is_delivered(bench, code):
    """Recorded, and nothing else: the lane is drained."""
    endpoint = bench.endpoint()
    (value,) = bench.deliver(endpoint)
    answer_all(bench, status(code))
    bench.run(bench.deliverer(), 2 * SECOND)
    (attempt,) = bench.attempts()
    assert attempt["delivery_id"] == value["delivery_id"]
    assert (attempt["outcome"], attempt["verdict"], attempt["status"]) == (
        "succeeded", "delivered", code,
    )  # fmt: skip
    assert (attempt["number"], bench.lag(endpoint)) == (1, 0)
    assert [*bench.retries(), *bench.dead(), *bench.commands()] == []
    assert [what for what, _ in bench.lines if what.startswith("delivery")] == []


def test_410_is_dead_and_asks_control_to_disable(bench):
    """Dead(gone), one Disable of the revision, and nothing more before a later revision."""
    endpoint = bench.endpoint(revision=7, in_flight_max=1)
    bench.deliver(endpoint, 5)
    answer_all(bench, status(410))
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    (dead,) = bench.dead()
    assert progress_of(dead.headers()).reason == "gone"
    (command,) = bench.commands()
    assert (command["kind"], command["endpoint_id"], command["revision"], command["reason"]) == (
        "disable", "ep_a", 7, "gone",
    )  # fmt: skip
    assert len(bench.sender.posts) == 1
    answer_all(bench, OK)
    bench.change(endpoint)
    bench.run(deliverer, 2 * SECOND)
    assert len(bench.sender.posts) == 5


def test_several_410s_under_way_ask_once(bench):
    """One Disable for one revision, however many were open."""
    endpoint = bench.endpoint(in_flight_max=4)
    bench.deliver(endpoint, 9)
    answer_all(bench, status(410))
    bench.run(bench.deliverer(), 2 * SECOND)
    assert (len(bench.dead()), len(bench.commands())) == (4, 1)


@pytest.mark.parametrize("code", [100, 301, 302, 308, 400, 401, 404, 429, 500, 503])
def test_any_other_status_is_retried(bench, code):
    """The same bytes in the first tier, due within its jitter; the lane goes on."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 3)
    answer_all(bench, status(code))
    began = bench.clock.now()
    bench.run(bench.deliverer(), 2 * SECOND)
    retries = bench.retries()
    assert len(retries) == 3
    lane = {record.value() for record in bench.records(TOPICS.lane("ep_a"))}
    assert {record.value() for record in retries} == lane
    for record in retries:
        progress = progress_of(record.headers())
        assert began + 5 * SECOND <= progress.not_before <= began + 9 * SECOND
        assert (progress.attempts_made, progress.schedule_step, progress.hops) == (1, 1, 1)
    assert {(a["verdict"], a["tier_s"], a["status"]) for a in bench.attempts()} == {
        ("retry", 5, code)
    }


@pytest.mark.parametrize("outcome", [Outcome.TIMED_OUT, Outcome.UNREACHABLE])
def test_no_answer_is_retried(bench, outcome):
    """Whatever kept the answer away."""
    bench.deliver(bench.endpoint())
    answer_all(bench, failed(outcome))
    bench.run(bench.deliverer(), 2 * SECOND)
    assert [(a["outcome"], a["verdict"]) for a in bench.attempts()] == [(outcome.value, "retry")]
    assert len(bench.retries()) == 1


def test_a_refused_address_is_dead(bench):
    """Dead(address_refused) at the first attempt."""
    bench.deliver(bench.endpoint())
    answer_all(bench, failed(Outcome.BLOCKED))
    bench.run(bench.deliverer(), 2 * SECOND)
    (dead,) = bench.dead()
    assert progress_of(dead.headers()).reason == "address_refused"
    assert bench.retries() == []


@pytest.mark.parametrize(("secrets_of", "reason"), [("good", "exhausted"), ("none", "internal")])
def test_an_exhausted_schedule_is_dead(bench, secrets_of, reason):
    """After the last step: Dead(exhausted), or Dead(internal) where we failed."""
    endpoint = bench.endpoint()
    if secrets_of == "none":
        endpoint = bench.change(endpoint, secrets=())
    progress = Progress(waiting_since=bench.clock.now(), attempts_made=2, schedule_step=2)
    bench.deliver(endpoint, progress=progress)
    answer_all(bench, status(500))
    bench.run(bench.deliverer(), 2 * SECOND)
    (dead,) = bench.dead()
    progress = progress_of(dead.headers())
    assert (progress.reason, progress.attempts_made) == (reason, 3)
    assert [(a["verdict"], a["reason"], a["number"]) for a in bench.attempts()] == [
        ("dead", reason, 3)
    ]


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\xc3\x01" + bytes(40), None])
def test_what_is_no_delivery_is_set_aside_raw(bench, raw):
    """Its bytes and the reason in rejected-events; the lane goes on."""
    endpoint = bench.endpoint()
    bench.append(endpoint, raw)
    bench.deliver(endpoint)
    bench.run(bench.deliverer(), 2 * SECOND)
    (record,) = bench.records(TOPICS.rejected_events)
    assert (record.value(), record.key()) == (raw, b"t.lane.a/0/0")
    assert (len(bench.sender.posts), bench.lag(endpoint)) == (1, 0)


def test_a_delivery_without_its_headers_is_set_aside(bench):
    """A header that is missing or no number breaks the contract, it is not guessed."""
    endpoint = bench.endpoint()
    (value,) = bench.deliver(endpoint)
    for headers in (None, [("waiting-since", b"soon")], [("waiting-since", b"-5")]):
        bench.append(endpoint, delivery_bytes(value), headers)
    bench.run(bench.deliverer(), 2 * SECOND)
    assert len(bench.records(TOPICS.rejected_events)) == 3
