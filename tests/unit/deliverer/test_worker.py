"""The deliverer on the twin: every row of the verdict and the state table, and its limits."""

from datetime import timedelta

import pytest

from hooklane.adapters.http.port import Outcome
from hooklane.adapters.sealing import Sealer
from hooklane.domain.delivery import Progress, progress_of, to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import TransactionAborted, Unavailable
from hooklane.domain.topics import Partition
from support.posting import (
    OK,
    SECOND,
    TIERS,
    TOPICS,
    DelivererBench,
    FakeSender,
    failed,
    header,
    status,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def answer_all(bench, answer, *, seconds=0.01):
    bench.sender.rule = lambda _: (seconds, answer)


# The verdict table.


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


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_holds_the_lane(bench, code):
    """The delivery waits in its tier, the lane until then."""
    endpoint = bench.endpoint(in_flight_max=1)
    bench.deliver(endpoint, 2)
    answer_all(bench, status(code, retry_after="30"))
    began = bench.clock.now()
    deliverer = bench.deliverer()
    bench.run(deliverer, 20 * SECOND)
    (retry,) = bench.retries()
    not_before = progress_of(retry.headers()).not_before
    assert began + 30 * SECOND <= not_before <= began + 31 * SECOND
    assert len(bench.sender.posts) == 1
    answer_all(bench, OK)
    bench.run(deliverer, 12 * SECOND)
    assert len(bench.sender.posts) == 2


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


def test_an_unreadable_secret_is_our_failure(bench):
    """Failed without a request, retried; nothing unsigned ever leaves."""
    foreign = Sealer({"other": b"x" * 32}).seal(b"whsec_", endpoint_id="ep_a")
    from hooklane.domain.endpoint import SealedSecret

    endpoint = bench.endpoint()
    secret = SealedSecret(key_id=foreign.key_id, sealed=foreign.sealed)
    bench.deliver(bench.change(endpoint, secrets=(secret,)))
    bench.run(bench.deliverer(), 2 * SECOND)
    assert [(a["outcome"], a["verdict"]) for a in bench.attempts()] == [("failed", "retry")]
    assert (len(bench.retries()), bench.sender.posts) == (1, [])


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


# The state table.


def test_a_paused_backlog_is_held_then_sent_in_offset_order(bench):
    """Nothing while paused; then all, in order, none twice."""
    endpoint = bench.endpoint(state=EndpointState.PAUSED, in_flight_max=1)
    expected = [value["event_id"] for value in bench.deliver(endpoint, 1_200)]
    deliverer = bench.deliverer()
    bench.run(deliverer, 5 * SECOND)
    assert bench.sender.posts == []
    bench.change(endpoint, state=EndpointState.ACTIVE)
    answer_all(bench, OK, seconds=0.001)
    bench.run(deliverer, 40 * SECOND)
    assert bench.sender.event_ids == expected
    assert (len(bench.attempts()), bench.lag(endpoint)) == (1_200, 0)


def test_a_disabled_endpoints_lane_is_emptied_in_turns(bench):
    """Dead(endpoint_disabled), at most 200 a tick, lanes in turn."""
    lanes = [bench.endpoint(e, state=EndpointState.DISABLED) for e in ("ep_a", "ep_b")]
    for endpoint in lanes:
        bench.deliver(endpoint, 500)
    bench.run(bench.deliverer(), timedelta(milliseconds=600))
    counts = [sum(a["endpoint_id"] == e.endpoint_id for a in bench.attempts()) for e in lanes]
    assert sum(counts) == 600
    # The first tick found only one lane's records read.
    assert counts in ([400, 200], [200, 400])
    assert {progress_of(r.headers()).reason for r in bench.dead()} == {"endpoint_disabled"}


def test_a_deleted_endpoints_lane_is_cancelled(bench):
    """Recorded and gone; nothing to redrive."""
    endpoint = bench.endpoint(state=EndpointState.DELETED)
    bench.deliver(endpoint, 30)
    bench.run(bench.deliverer(), 3 * SECOND)
    assert {(a["verdict"], a["reason"]) for a in bench.attempts()} == {
        ("cancelled", "endpoint_deleted")
    }
    assert (len(bench.attempts()), bench.dead(), bench.lag(endpoint)) == (30, [], 0)


def test_an_unknown_endpoint_is_asked_for_before_it_is_cancelled(bench):
    """A record matched with a newer table waits for it; absent there means deleted."""
    endpoint = bench.endpoint()
    other = bench.endpoint("ep_z", state=EndpointState.PAUSED)
    known = bench.admin.ends([Partition(TOPICS.endpoints, 0)])[Partition(TOPICS.endpoints, 0)][1]
    stray = dict(bench.deliver(other, table_offset=known + 1)[0])
    from support.deliveries import delivery_bytes

    stray |= {"endpoint_id": "ep_unknown", "event_id": "evt_stray"}
    headers = Progress(waiting_since=bench.clock.now()).headers()
    bench.append(endpoint, delivery_bytes(stray), headers)
    deliverer = bench.deliverer()
    bench.run(deliverer, 3 * SECOND)
    assert bench.attempts() == []
    assert "table.behind" in [what for what, _ in bench.lines]
    bench.change(other)
    bench.run(deliverer, 3 * SECOND)
    assert [(a["event_id"], a["verdict"]) for a in bench.attempts()] == [("evt_stray", "cancelled")]


# Time.


def test_nothing_starts_before_its_not_before(bench):
    """It waits on our clock; what is due goes on."""
    endpoint = bench.endpoint()
    due = bench.clock.now() + 10 * SECOND
    progress = Progress(waiting_since=bench.clock.now(), not_before=due)
    bench.deliver(endpoint, 100, progress=progress)
    bench.deliver(endpoint)
    sent = []
    bench.sender.rule = lambda _: (sent.append(bench.clock.now()), (0.01, OK))[1]
    bench.run(bench.deliverer(), 12 * SECOND)
    assert len(sent) == 101
    assert sum(at < due for at in sent) <= 1


@pytest.mark.parametrize("state", [EndpointState.ACTIVE, EndpointState.PAUSED])
def test_an_old_delivery_is_dead_of_age(bench, state):
    """Dead(expired) after 30 d, also while held; a young one behind it is not."""
    endpoint = bench.endpoint(state=state)
    old = Progress(waiting_since=bench.clock.now() - timedelta(days=30))
    bench.deliver(endpoint, 200, progress=old)
    bench.deliver(endpoint)
    bench.run(bench.deliverer(), 5 * SECOND)
    assert {progress_of(r.headers()).reason for r in bench.dead()} == {"expired"}
    assert len(bench.dead()) == 200
    assert len(bench.sender.posts) == (state is EndpointState.ACTIVE)


# Bytes.


def test_each_post_carries_our_headers_and_the_payload(bench):
    """Id, timestamp, signature of exactly these bytes, version, content type."""
    from standardwebhooks import Webhook

    from support.posting import SECRET

    bench.deliver(bench.endpoint(), payload=b'{"a": 1}')
    bench.run(bench.deliverer(), SECOND)
    (post,) = bench.sender.posts
    assert post.body == b'{"a": 1}'
    assert header(post, "X-Webhook-Version") == "1"
    assert header(post, "Content-Type") == "application/json"
    timestamp = int(header(post, "webhook-timestamp"))
    assert abs(timestamp - to_ms(bench.clock.now()) // 1_000) <= 2
    headers = {n: header(post, f"webhook-{n}") for n in ("id", "timestamp", "signature")}
    signed = Webhook(SECRET).sign(headers["id"], _utc(timestamp), post.body.decode())
    assert headers["signature"] == signed


def _utc(seconds):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)


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
    from support.deliveries import delivery_bytes

    for headers in (None, [("waiting-since", b"soon")], [("waiting-since", b"-5")]):
        bench.append(endpoint, delivery_bytes(value), headers)
    bench.run(bench.deliverer(), 2 * SECOND)
    assert len(bench.records(TOPICS.rejected_events)) == 3


# Limits.


def test_an_endpoint_has_at_most_its_in_flight_limit_open(bench):
    """Its own limit, else the deployment's."""
    for endpoint in (bench.endpoint("ep_a"), bench.endpoint("ep_b", in_flight_max=3)):
        bench.deliver(endpoint, 100)
    answer_all(bench, OK, seconds=None)
    bench.run(bench.deliverer(), SECOND)
    assert bench.sender.open_count == 32 + 3


def test_all_open_posts_are_bounded_and_shared_in_turns():
    """At the total limit lanes take turns."""
    bench = DelivererBench(in_flight_max=10)
    for name in "abcd":
        bench.deliver(bench.endpoint(f"ep_{name}"), 100)
    open_most = []

    def rule(_):
        open_most.append(bench.sender.open_count)
        return 0.1, OK

    bench.sender.rule = rule
    bench.run(bench.deliverer(), 20 * SECOND)
    assert max(open_most) == 9
    assert len(bench.attempts()) == 400


def test_a_slow_lane_holds_bounded_records_and_nobody_else():
    """A hung endpoint's endless lane is paused; another's 500 go through at once."""
    bench = DelivererBench(held_records_max=100)
    slow, fast = bench.endpoint("ep_s", in_flight_max=2), bench.endpoint("ep_f")
    bench.deliver(slow, 6_000)
    deliverer = bench.deliverer()
    slow_events = {f"evt_{n}" for n in range(6_000)}
    bench.sender.rule = lambda r: (
        (3_000.0, OK) if header(r, "webhook-id") in slow_events else (0.01, OK)
    )
    bench.run(deliverer, 3 * SECOND)
    (lane,) = [lane for lane in deliverer._sending._lanes if lane.endpoint_id == "ep_s"]
    assert len(lane.pending) <= 64
    bench.deliver(fast, 500)
    bench.run(deliverer, 3 * SECOND)
    assert len(bench.sender.posts) == 502


def test_a_full_span_of_finished_ones_cuts_its_head():
    """One hung POST does not stop its lane: at the cap it is cut, timed out, and retried."""
    bench = DelivererBench(span_max=100)
    endpoint = bench.endpoint()
    expected = {value["event_id"] for value in bench.deliver(endpoint, 400)}
    bench.sender.rule = lambda r: (None, OK) if header(r, "webhook-id") == "evt_0" else (0.01, OK)
    bench.run(bench.deliverer(), 20 * SECOND)
    attempts = bench.attempts()
    assert {a["event_id"] for a in attempts} == expected
    assert [a["outcome"] for a in attempts if a["event_id"] == "evt_0"] == ["timed_out"]
    assert (len(attempts), len(bench.retries()), bench.lag(endpoint)) == (400, 1, 0)


def test_uncommitted_outcomes_stop_new_attempts():
    """While no commit gets through, what is open ends and nothing new starts."""
    bench = DelivererBench(uncommitted_ms_max=1_000)
    bench.deliver(bench.endpoint(in_flight_max=1), 100)
    answer_all(bench, OK, seconds=0.1)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    for _ in range(200):
        bench.cluster.fail_next("begin", TransactionAborted("x"))
    before = len(bench.sender.posts)
    bench.run(deliverer, 20 * SECOND)
    assert len(bench.sender.posts) - before <= 15
    assert deliverer.not_ready() is not None
    bench.cluster._faults.clear()
    bench.run(deliverer, 20 * SECOND)
    assert len(bench.attempts()) == len(set(bench.sender.event_ids)) == 100


# Faults.


@pytest.mark.parametrize("operation", ["begin", "produce", "send_offsets", "commit"])
def test_an_aborted_tick_is_written_again_as_it_was(bench, operation):
    """No POST is repeated, no record missing or doubled."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 20)
    bench.sender.rule = lambda r: (0.01, status(500 if header(r, "webhook-id") < "evt_15" else 200))
    deliverer = bench.deliverer()
    bench.cluster.fail_next(operation, TransactionAborted("x"))
    bench.run(deliverer, 5 * SECOND)
    assert len(bench.sender.posts) == len(bench.attempts()) == 20
    assert len(bench.retries()) == sum(a["verdict"] == "retry" for a in bench.attempts())
    assert bench.lag(endpoint) == 0


def test_unreadable_commits_are_waited_for(bench):
    """A lane starts only once its commit was read; failing to is never taken as none."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 5)
    first = bench.deliverer()
    bench.run(first, 3 * SECOND)
    bench.kill(first)
    bench.deliver(endpoint, 5)
    second = bench.deliverer()
    for _ in range(5):
        bench.cluster.fail_next("committed", Unavailable("x"))
    bench.run(second, 12 * SECOND)
    assert len(bench.sender.posts) == 10
    assert len(bench.attempts()) == 10


def test_a_killed_deliverer_repeats_only_what_was_not_recorded(bench):
    """The next owner starts at the commit, passes what its metadata says is finished."""
    endpoint = bench.endpoint(in_flight_max=10)
    bench.deliver(endpoint, 200)
    bench.sender.rule = lambda r: (
        (None, OK) if header(r, "webhook-id") in {"evt_3", "evt_50"} else (0.05, OK)
    )
    first = bench.deliverer()
    bench.run(first, 700 * MS)
    recorded = {a["event_id"] for a in bench.attempts()}
    assert recorded
    bench.kill(first)
    posted = len(bench.sender.posts)
    answer_all(bench, OK)
    bench.run(bench.deliverer(), 20 * SECOND)
    assert recorded.isdisjoint(bench.sender.event_ids[posted:])
    assert sorted(a["event_id"] for a in bench.attempts()) == sorted(f"evt_{n}" for n in range(200))


def test_a_revoked_lane_is_finished_before_it_is_given_up(bench):
    """Its open POSTs end, are recorded, and the next owner repeats none of them."""
    lanes = [bench.endpoint(f"ep_{name}") for name in "abcd"]
    for endpoint in lanes:
        bench.deliver(endpoint, 100)
    answer_all(bench, OK, seconds=0.5)
    first = bench.deliverer()
    bench.run(first, SECOND)
    second = bench.deliverer(1)
    bench.run([first, second], 10 * SECOND)
    first.stop()
    bench.run(second, 10 * SECOND)
    assert len(bench.sender.posts) == len(set(bench.sender.event_ids)) == 400
    assert len(bench.attempts()) == 400


def test_a_lost_lane_drops_what_ends_late(bench):
    """Another owner may have it: nothing of it is recorded by us any more."""
    bench.deliver(bench.endpoint(), 40)
    answer_all(bench, OK, seconds=2)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.cluster.expel(deliverer._ports.member)
    bench.run(deliverer, 20 * SECOND)
    assert len(bench.attempts()) == len({a["delivery_id"] for a in bench.attempts()}) == 40
    assert "lanes.lost" in [what for what, _ in bench.lines]


def test_stopping_cuts_what_hangs_and_records_everything(bench):
    """At 20 s open POSTs are cut with their retry; afterwards nothing is uncommitted."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 100)
    bench.sender.rule = lambda r: (None, OK) if header(r, "webhook-id") == "evt_1" else (5.0, OK)
    deliverer = bench.deliverer()
    bench.run(deliverer, 500 * MS)
    began = bench.clock.now()
    deliverer.stop()
    assert 20 * SECOND <= bench.clock.now() - began <= 30 * SECOND
    assert [a["outcome"] for a in bench.attempts()].count("timed_out") == 1
    assert (len(bench.attempts()), len(bench.retries())) == (32, 1)


# Upkeep.


def test_finished_records_leave_the_log_once_old():
    """Trimmed up to a prefix that is `lane_keep` old, across owners; never beyond it."""
    bench = DelivererBench(lane_keep_s=3_600)
    endpoint = bench.endpoint()
    lane = Partition(TOPICS.lane("ep_a"), 0)
    bench.deliver(endpoint, 10)
    first = bench.deliverer()
    bench.run(first, 10 * SECOND)
    first.stop()
    bench.deliver(endpoint, 10)
    second = bench.deliverer()
    bench.run(second, 7_300 * SECOND, step=5 * SECOND)
    start, end = bench.admin.ends([lane])[lane]
    assert start >= 10
    assert bench.lag(endpoint) == 0
    bench.change(endpoint, state=EndpointState.PAUSED)
    bench.run(second, SECOND)
    bench.deliver(endpoint, 10)
    bench.run(second, 20_000 * SECOND, step=30 * SECOND)
    start, _ = bench.admin.ends([lane])[lane]
    assert start <= end


def test_a_new_lane_is_committed_at_once(bench):
    """A lane without a commit would start anew at its log's start for ever."""
    endpoint = bench.endpoint()
    bench.run(bench.deliverer(), 2 * SECOND)
    assert bench.lag(endpoint) == 0


def test_a_new_endpoint_is_read_within_a_second(bench):
    """Its lane joins the subscription; the position is told once it has."""
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    endpoint = bench.endpoint()
    bench.deliver(endpoint)
    bench.run(deliverer, SECOND)
    assert len(bench.sender.posts) == 1
    from hooklane.adapters.codec import codec

    told = codec("position").decode(bench.records(TOPICS.positions)[-1].value())
    end = bench.admin.ends([Partition(TOPICS.endpoints, 0)])[Partition(TOPICS.endpoints, 0)][1]
    assert (told["instance"], told["table_offset"], told["assigned_lanes"]) == (
        "t.deliverer.0", end, 1,
    )  # fmt: skip


def test_a_lane_taken_away_is_let_go(bench):
    """A revision without placement ends the subscription, and the position says so."""
    endpoint = bench.endpoint(state=EndpointState.DELETED)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.change(endpoint, placement=None)
    bench.run(deliverer, 2 * SECOND)
    from hooklane.adapters.codec import codec

    told = codec("position").decode(bench.records(TOPICS.positions)[-1].value())
    assert told["assigned_lanes"] == 0


def test_senders_of_two_deliverers_are_told_apart(bench):
    """The bench itself: each deliverer may have its own receiver's side."""
    own = FakeSender(bench.clock)
    bench.deliver(bench.endpoint())
    bench.run(bench.deliverer(sender=own), SECOND)
    assert (len(own.posts), bench.sender.posts) == (1, [])


def test_every_tier_of_the_bench_exists():
    """A verdict's tier is a topic."""
    assert {TOPICS.retry(tier) for tier in TIERS} <= set(DelivererBench().admin.topics())
