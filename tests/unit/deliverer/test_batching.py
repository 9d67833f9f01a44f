"""Several deliveries in one POST: when it goes, what is in it, and what each item's fate is."""

import json
from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.http.port import Answer
from hooklane.deliverer.batching import item_answers
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import Progress, progress_of
from hooklane.domain.endpoint import Batch, EndpointState
from hooklane.domain.ids import batch_id
from support.pooling import PoolBench
from support.posting import (
    OK,
    SECOND,
    DelivererBench,
    answer_all,
    failed,
    header,
    status,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def batching(bench, count_max=10, wait_ms=200, **fields):
    return bench.endpoint(batch=Batch(count_max=count_max, wait=wait_ms * MS), **fields)


def deliver(bench, endpoint, count=1, **fields):
    """Append deliveries whose payloads name them; give their event ids."""
    made = []
    for _ in range(count):
        payload = json.dumps({"id": f"evt_{bench._number}"}).encode()
        (value,) = bench.deliver(endpoint, payload=payload, **fields)
        made.append(value["event_id"])
    return made


def items(request):
    return [item["id"] for item in json.loads(request.body)]


def sizes(bench):
    return [len(json.loads(request.body)) for request in bench.sender.posts]


def results(*entries, code=207):
    body = json.dumps({"results": [{"id": name, "status": number} for name, number in entries]})
    return status(code, body=body.encode())


def test_a_full_batch_goes_at_once_and_the_rest_after_its_wait(bench):
    """So many, or what came in so long since the first."""
    endpoint = batching(bench, count_max=10, wait_ms=500)
    sent = deliver(bench, endpoint, 25)
    deliverer = bench.deliverer()
    bench.run(deliverer, 300 * MS)
    assert sizes(bench) == [10, 10]
    bench.run(deliverer, 500 * MS)
    assert sizes(bench) == [10, 10, 5]
    assert [name for post in bench.sender.posts for name in items(post)] == sent
    bench.run(deliverer, SECOND)
    assert (len(bench.attempts()), bench.lag(endpoint)) == (25, 0)


def test_one_delivery_waits_for_others_no_longer_than_asked(bench):
    """An array of one is sent: who asked for arrays gets nothing else."""
    deliverer = bench.deliverer()
    endpoint = batching(bench, wait_ms=1_000)
    bench.run(deliverer, SECOND)
    deliver(bench, endpoint)
    bench.run(deliverer, 900 * MS)
    assert sizes(bench) == []
    bench.run(deliverer, 300 * MS)
    assert sizes(bench) == [1]


def test_a_batch_is_one_signed_request_with_its_count(bench):
    """Its id is made of its deliveries; tried again together it has the same."""
    endpoint = batching(bench, count_max=3)
    values = [bench.deliver(endpoint, payload=b'{"n":%d}' % n)[0] for n in range(3)]
    bench.run(bench.deliverer(), 100 * MS)
    (request,) = bench.sender.posts
    assert request.body == b'[{"n":0},{"n":1},{"n":2}]'
    assert header(request, "X-Webhook-Batch") == "3"
    assert header(request, "Content-Type") == "application/json"
    expected = batch_id(value["delivery_id"] for value in values)
    assert header(request, "webhook-id") == expected
    assert "X-Webhook-Version" not in request.headers.decode()


def test_each_item_has_the_fate_that_its_receiver_says(bench):
    """Delivered, to be tried again, or dead; what is not named counts by the whole answer."""
    endpoint = batching(bench, count_max=4)
    one, two, three, four = deliver(bench, endpoint, 4)
    answer_all(bench, results((one, 200), (two, 503), (three, 410)))
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    found = {a["event_id"]: (a["outcome"], a["status"], a["verdict"]) for a in bench.attempts()}
    assert found == {
        one: ("succeeded", 200, "delivered"),
        two: ("rejected", 503, "retry"),
        three: ("rejected", 410, "dead"),
        four: ("succeeded", 207, "delivered"),
    }
    (retry,) = bench.retries()
    assert codec("delivery").decode(retry.value())["event_id"] == two
    assert [progress_of(r.headers()).reason for r in bench.dead()] == ["gone"]
    # An item that is gone says nothing of the endpoint, nor does one that was too much.
    assert bench.commands() == []
    deliver(bench, endpoint, 4)
    bench.run(deliverer, 100 * MS)
    assert sizes(bench) == [4, 4]


@pytest.mark.parametrize(
    "answer",
    [OK, status(200, body=b"thanks"), status(202, body=b'{"results": "all"}')],
)
def test_a_2xx_that_says_nothing_of_items_delivers_them_all(bench, answer):
    """A receiver need not know of item results."""
    endpoint = batching(bench, count_max=3)
    deliver(bench, endpoint, 3)
    answer_all(bench, answer)
    bench.run(bench.deliverer(), SECOND)
    assert [a["verdict"] for a in bench.attempts()] == ["delivered"] * 3


@pytest.mark.parametrize(
    "answer",
    [status(500), results(("evt_0", 200), code=500), failed(Outcome.TIMED_OUT), status(302)],
)
def test_a_batch_that_failed_is_tried_again_item_by_item(bench, answer):
    """Each has its own attempt and its own way through the tiers."""
    endpoint = batching(bench, count_max=3)
    deliver(bench, endpoint, 3)
    answer_all(bench, answer)
    bench.run(bench.deliverer(), SECOND)
    assert {(a["verdict"], a["number"]) for a in bench.attempts()} == {("retry", 1)}
    assert [progress_of(r.headers()).attempts_made for r in bench.retries()] == [1] * 3
    assert bench.lag(endpoint) == 0


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (status(207, body=b'{"results": [{"id": "evt_0", "st', is_whole=False), "retry"),
        (status(200, is_whole=False), "retry"),
        (status(200, body=b'{"results": []}', is_whole=False), "delivered"),
        (status(200, body=b"<html>", is_whole=False), "delivered"),
        (status(204, is_whole=False), "delivered"),
        (status(200, body=b'{"results": [{"id"'), "delivered"),
    ],
    ids=["cut-results", "cut-before", "read-after-all", "no-results", "no-content", "whole"],
)
def test_a_batch_whose_answer_may_have_lost_results_is_tried_again(bench, answer, verdict):
    """What the receiver refused would else count as delivered."""
    endpoint = batching(bench, count_max=3)
    deliver(bench, endpoint, 3)
    answer_all(bench, answer)
    bench.run(bench.deliverer(), SECOND)
    assert [a["verdict"] for a in bench.attempts()] == [verdict] * 3
    outcomes = {"retry": "timed_out", "delivered": "succeeded"}
    assert {a["outcome"] for a in bench.attempts()} == {outcomes[verdict]}


def test_a_batch_answered_410_stops_the_endpoint_once(bench):
    """All of it is dead, and one order disables the endpoint."""
    endpoint = batching(bench, count_max=3)
    deliver(bench, endpoint, 6)
    answer_all(bench, status(410))
    bench.run(bench.deliverer(), SECOND)
    assert [a["reason"] for a in bench.attempts()] == ["gone"] * len(bench.attempts())
    assert [command["kind"] for command in bench.commands()] == ["disable"]


def test_retry_after_holds_a_batching_lane(bench):
    """The whole answer speaks for the endpoint."""
    endpoint = batching(bench, count_max=2, in_flight_max=1)
    deliver(bench, endpoint, 4)
    answer_all(bench, status(429, retry_after="30"))
    deliverer = bench.deliverer()
    bench.run(deliverer, 20 * SECOND)
    assert sizes(bench) == [2]
    answer_all(bench, OK)
    bench.run(deliverer, 12 * SECOND)
    assert sizes(bench) == [2, 2]


def test_the_in_flight_limit_counts_posts(bench):
    """Two POSTs of five are two."""
    endpoint = batching(bench, count_max=5, in_flight_max=2)
    deliver(bench, endpoint, 20)
    answer_all(bench, OK, seconds=None)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    assert (sizes(bench), deliverer._sending.load.in_flight) == ([5, 5], 2)


def test_a_body_is_bounded_and_a_larger_payload_goes_alone():
    """The setting bounds the array, never a payload."""
    bench = DelivererBench(batch_bytes_max=65_536)
    endpoint = batching(bench, count_max=10, wait_ms=100)
    for size in (30_000, 30_000, 30_000, 200_000, 10):
        bench.deliver(endpoint, payload=json.dumps("x" * size).encode())
    bench.run(bench.deliverer(), SECOND)
    lengths = [[len(text) for text in json.loads(p.body)] for p in bench.sender.posts]
    assert lengths == [[30_000, 30_000], [30_000], [200_000], [10]]


def test_payloads_that_fill_a_body_do_not_wait():
    """Bytes fill a batch as well as its count does."""
    bench = DelivererBench(batch_bytes_max=65_536)
    endpoint = batching(bench, count_max=100, wait_ms=10_000)
    for _ in range(9):
        bench.deliver(endpoint, payload=json.dumps("x" * 20_000).encode())
    bench.run(bench.deliverer(), SECOND)
    assert sizes(bench) == [3, 3]


def test_what_is_gathered_is_given_back_unbegun(bench):
    """A stop sends nothing that waits for others; the next owner finds it open."""
    endpoint = batching(bench, count_max=10, wait_ms=5_000)
    sent = deliver(bench, endpoint, 4)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    deliverer.stop()
    assert (sizes(bench), bench.attempts(), bench.lag(endpoint)) == ([], [], 4)
    bench.run(bench.deliverer(), 6 * SECOND)
    assert [items(request) for request in bench.sender.posts] == [sent]


def test_a_cut_ends_the_one_request_and_times_out_every_delivery():
    """Stopping waits for the POST, then cuts it; all of it is tried again."""
    bench = DelivererBench(stop_wait_ms=100)
    endpoint = batching(bench, count_max=3)
    deliver(bench, endpoint, 3)
    answer_all(bench, OK, seconds=None)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    deliverer.stop()
    assert [(a["outcome"], a["verdict"]) for a in bench.attempts()] == [("timed_out", "retry")] * 3
    assert (len(bench.retries()), bench.lag(endpoint)) == (3, 0)


def test_retries_that_return_are_batched_again(bench):
    """With each other and with what is new; none before its time."""
    endpoint = batching(bench, count_max=10, wait_ms=300)
    now = bench.clock.now()
    due = Progress(waiting_since=now, not_before=now + 2 * SECOND, attempts_made=1)
    late = deliver(bench, endpoint, 2, progress=due)
    new = deliver(bench, endpoint, 2)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    assert [items(request) for request in bench.sender.posts] == [new]
    bench.run(deliverer, 2 * SECOND)
    assert [items(request) for request in bench.sender.posts] == [new, late]
    assert [a["number"] for a in bench.attempts()] == [1, 1, 2, 2]


def test_what_can_t_be_begun_leaves_no_gap_in_the_others(bench):
    """An expired or unreadable record between them is settled by itself."""
    endpoint = batching(bench, count_max=4, wait_ms=100)
    first = deliver(bench, endpoint)
    old = Progress(waiting_since=bench.clock.now() - timedelta(days=40))
    deliver(bench, endpoint, progress=old)
    bench.append(endpoint, b"no delivery")
    last = deliver(bench, endpoint)
    bench.run(bench.deliverer(), SECOND)
    assert [items(request) for request in bench.sender.posts] == [first + last]
    assert sorted(a["verdict"] for a in bench.attempts()) == ["dead", "delivered", "delivered"]
    assert bench.lag(endpoint) == 0


def test_batches_come_together_in_the_pool_too():
    """Of one endpoint each, while its neighbours go on; who waits for the partition starts then."""
    bench = PoolBench(pool_in_flight_max=1)
    batch = Batch(count_max=3, wait=300 * MS)
    many, plain = bench.pooled("ep_a", batch=batch), bench.pooled("ep_b")
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    for _ in range(4):
        bench.pour(many, 1)
        bench.pour(plain, 1)
    bench.run(deliverer, 3 * SECOND)
    by_count = [header(p, "X-Webhook-Batch") for p in bench.sender.posts if p.body[:1] == b"["]
    assert by_count == ["3", "1"]
    assert (len(bench.to(many)), len(bench.to(plain)), bench.left()) == (4, 4, 0)


def test_a_rate_limit_counts_posts(bench):
    """As the in-flight limit does: a batch takes one token."""
    endpoint = batching(bench, count_max=10, rate_per_s=2)
    deliver(bench, endpoint, 60)
    bench.run(bench.deliverer(), 1_500 * MS)
    assert set(sizes(bench)) == {10}
    assert 3 <= len(bench.sender.posts) <= 5


def test_a_paused_endpoints_batches_wait(bench):
    """What was gathered meanwhile goes at once when it goes on."""
    endpoint = batching(bench, count_max=10, wait_ms=300, state=EndpointState.PAUSED)
    deliver(bench, endpoint, 3)
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    assert sizes(bench) == []
    bench.change(endpoint, state=EndpointState.ACTIVE)
    bench.run(deliverer, 200 * MS)
    assert sizes(bench) == [3]


def test_batches_begin_and_end_with_a_revision(bench):
    """The next POST is as the newest revision says."""
    endpoint = batching(bench, count_max=2)
    deliver(bench, endpoint, 2)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    endpoint = bench.change(endpoint, batch=None)
    bench.run(deliverer, SECOND)
    (plain,) = deliver(bench, endpoint)
    bench.run(deliverer, SECOND)
    assert json.loads(bench.sender.posts[-1].body) == {"id": plain}
    assert len(bench.sender.posts) == 2


def test_a_secret_that_does_not_open_fails_each_delivery(bench):
    """Our own error: no request, and all are tried again."""
    endpoint = bench.change(batching(bench, count_max=3), secrets=())
    deliver(bench, endpoint, 3)
    bench.run(bench.deliverer(), SECOND)
    assert sizes(bench) == []
    assert {(a["outcome"], a["verdict"]) for a in bench.attempts()} == {("failed", "retry")}
    assert len(bench.retries()) == 3


def test_what_attempts_keep_of_a_batch_s_answer_is_bounded_together():
    """A receiver's long answer is not kept once for each of 500 items."""
    headers = tuple((f"X-{n}", "v" * 100) for n in range(50))
    answer = Answer(outcome=Outcome.REJECTED, status=500, body=b"z" * 60_000, headers=headers)
    for count in (1, 8, 500):
        kept = item_answers(answer, [f"evt_{n}" for n in range(count)])
        share = max(256, 16_384 // count)
        assert {len(one.body) for one in kept} == {share}
        assert all(sum(len(n) + len(v) for n, v in one.headers) <= share for one in kept)
        assert all(one.status == 500 for one in kept)


def test_results_of_a_whole_answer_of_500_items_are_read():
    """They are more than the 16 KiB that an attempt keeps."""
    names = [f"evt_{n:026}" for n in range(500)]
    answer = results(*((name, 200 + 300 * (n % 2)) for n, name in enumerate(names)))
    assert len(answer.body) > 16_384
    assert [one.status for one in item_answers(answer, names)] == [200, 500] * 250


def test_tiers_are_entered_one_by_one(bench):
    """Each copy has its own due time; together again only if they return together."""
    endpoint = batching(bench, count_max=20)
    deliver(bench, endpoint, 20)
    answer_all(bench, status(500))
    bench.run(bench.deliverer(), SECOND)
    due = {progress_of(record.headers()).not_before for record in bench.retries()}
    assert len(due) > 10
