"""An endpoint's flow as a receiver sees it: rate, limit, breaker; on the twin."""

import itertools

from support.posting import OK, SECOND, DelivererBench, answer_all, status


def test_a_rate_is_kept_and_nobody_else_is_slowed():
    """A second's worth at once, then the rate; another endpoint's lane goes on."""
    bench = DelivererBench()
    bench.deliver(bench.endpoint("ep_a", rate_per_s=10), 100)
    bench.deliver(bench.endpoint("ep_b"), 100)
    deliverer = bench.deliverer()
    bench.run(deliverer, 3 * SECOND)
    counts = [sum(a["endpoint_id"] == e for a in bench.attempts()) for e in ("ep_a", "ep_b")]
    assert counts[1] == 100
    assert 30 <= counts[0] <= 40
    bench.run(deliverer, 10 * SECOND)
    assert len(bench.attempts()) == 200


def test_endpoints_of_a_tenant_share_its_rate_in_turns():
    """None gets ahead of the others, whoever asked first."""
    bench = DelivererBench(tenant_rate_per_s=20)
    for name in ("ep_a", "ep_b", "ep_c"):
        bench.deliver(bench.endpoint(name), 200)
    bench.run(bench.deliverer(), 10 * SECOND)
    counts = [
        sum(a["endpoint_id"] == name for a in bench.attempts()) for name in ("ep_a", "ep_b", "ep_c")
    ]
    assert 200 <= sum(counts) <= 225
    # Of the first second's worth one may have had all.
    assert min(counts) >= 55


def test_a_pause_ends_a_wait_for_a_token_and_another_rate_is_taken_up():
    """A revision is followed at once."""
    from hooklane.domain.endpoint import EndpointState

    bench = DelivererBench()
    slow = bench.endpoint(rate_per_s=1)
    bench.deliver(slow, 50)
    deliverer = bench.deliverer()
    bench.run(deliverer, 3 * SECOND)
    paused = bench.change(slow, state=EndpointState.PAUSED)
    bench.run(deliverer, SECOND)
    before = len(bench.sender.posts)
    bench.run(deliverer, 5 * SECOND)
    assert before == len(bench.sender.posts)
    bench.change(paused, state=EndpointState.ACTIVE, rate_per_s=None)
    bench.run(deliverer, 5 * SECOND)
    assert len(bench.sender.posts) == 50


def test_the_limit_begins_low_and_reaches_the_cap():
    """Of a receiver that hangs no more than the start is open."""
    bench = DelivererBench(in_flight_adaptive=True)
    bench.deliver(bench.endpoint(), 300)
    answer_all(bench, OK, seconds=None)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    assert bench.sender.open_count == 8
    most = []

    def rule(_):
        most.append(bench.sender.open_count)
        return 0.1, OK

    bench.sender.rule = rule
    for one in list(bench.sender._open):
        bench.sender._end([one], OK)
    bench.run(deliverer, 3 * SECOND)
    assert max(most) == 31
    assert len(bench.attempts()) == 300


def test_refusals_bring_the_limit_down_to_one():
    """503 without Retry-After: fewer at once, until one at a time."""
    bench = DelivererBench(in_flight_adaptive=True, breaker_attempts_min=10_000)
    bench.deliver(bench.endpoint(), 300)
    answer_all(bench, status(503), seconds=0.1)
    deliverer = bench.deliverer()
    bench.run(deliverer, 4 * SECOND)
    (lane,) = deliverer._sending._lanes
    assert lane.in_flight_max == 1


def test_a_breaker_opens_tries_once_and_closes():
    """Open it sends nothing, each wait twice the last; a trial that succeeds ends it."""
    bench = DelivererBench(breaker_attempts_min=20)
    bench.deliver(bench.endpoint(), 200)
    times = []

    def rule(_):
        times.append(bench.clock.monotonic())
        return 0.01, status(500) if bench.clock.monotonic() < 10 else OK

    bench.sender.rule = rule
    deliverer = bench.deliverer()
    bench.run(deliverer, 9 * SECOND)
    outage = len(times)
    trials = times[next(i for i, at in enumerate(times) if at - times[i - 1] > 0.9) :]
    gaps = [round(b - a) for a, b in itertools.pairwise(trials)]
    assert 20 <= outage - len(trials) <= 20 + 32
    assert gaps == [2, 4]
    bench.run(deliverer, 30 * SECOND)
    names = [what for what, _ in bench.lines if what.startswith("breaker")]
    assert names == ["breaker.opened"] * 4 + ["breaker.closed"]
    (opened, *_, closed) = [f for what, f in bench.lines if what.startswith("breaker")]
    assert {"endpoint", "tenant", "until", "openings"} <= set(opened)
    assert {"endpoint", "tenant"} <= set(closed)
    assert len(bench.attempts()) >= 200


def test_late_answers_of_the_outage_are_no_trial():
    """What was begun before the breaker opened neither closes it nor keeps it open longer."""
    bench = DelivererBench(breaker_attempts_min=20)
    bench.deliver(bench.endpoint(), 200)
    # One of the first hangs until the breaker was half open.
    hangs = iter([True])
    bench.sender.rule = lambda _: (2.5, status(500)) if next(hangs, False) else (
        0.01, status(500) if bench.clock.monotonic() < 1.0 else OK,
    )  # fmt: skip
    deliverer = bench.deliverer()
    bench.run(deliverer, 2 * SECOND)
    before = len(bench.sender.posts)
    bench.run(deliverer, 5 * SECOND)
    names = [what for what, _ in bench.lines if what.startswith("breaker")]
    assert names == ["breaker.opened", "breaker.closed"]
    assert before < len(bench.sender.posts)


def test_some_failures_open_no_breaker():
    """Half of them succeed: it is no outage."""
    bench = DelivererBench(breaker_attempts_min=20)
    bench.deliver(bench.endpoint(), 300)
    turn = iter(range(10_000))
    bench.sender.rule = lambda _: (0.01, OK if next(turn) % 2 else status(500))
    bench.run(bench.deliverer(), 5 * SECOND)
    assert [what for what, _ in bench.lines if what.startswith("breaker")] == []


def test_where_nothing_happens_limits_are_judged_seldom_and_a_failure_is_judged_soon():
    """A success costs a comparison; what goes wrong does not wait for a long window to end."""
    bench = DelivererBench(in_flight_adaptive=True)
    endpoint = bench.endpoint(in_flight_max=8)
    bench.deliver(endpoint, 8)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    (lane,) = deliverer._sending._lanes
    assert (lane.ended, lane.review_at) == (8, 72)
    answer_all(bench, status(503))
    bench.deliver(endpoint, 8)
    bench.run(deliverer, SECOND)
    assert (lane.in_flight_max, lane.review_at) == (4, 24)
