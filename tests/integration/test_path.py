"""The whole path on the real stack: an event is published, endpoints get it, the ledger agrees."""

from collections import Counter, deque

import pytest

from support.path import wait

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

TIMES = 150
ALIVE_MAX = 10
EVENTS = 40


def test_an_effective_endpoint_gets_the_very_next_event(path):
    """150 times: an event appended after `effective: true` is in the new endpoint's lane."""
    tenant = path.tenant()
    alive, events = deque(), []
    for number in range(TIMES):
        where = path.at(f"/next/{number}")
        alive.append((path.endpoint(tenant, where), where))
        events += path.publish(tenant)
        if len(alive) == ALIVE_MAX:
            _end_oldest(path, alive, events[-ALIVE_MAX])
    for event in events[-len(alive) :]:
        _end_oldest(path, alive, event)
    assert path.ledger(tenant).faults(events) == []


def _end_oldest(path, alive, event):
    endpoint_id, where = alive.popleft()
    path.got(where, [event])
    path.client.delete_endpoint(endpoint_id)


WAYS = {
    "/calm/ok": {},
    "/calm/twice": {"failures": 2, "status": 500},
    "/calm/never": {"status": 500},
}


@pytest.fixture(scope="module")
def calm(path):
    """Forty events to three endpoints without any trouble; gives (endpoints, events, ledger)."""
    tenant = path.tenant()
    ids = {way: path.endpoint(tenant, path.at(way, **how)) for way, how in WAYS.items()}
    events = path.publish(tenant, EVENTS)
    path.got("/calm/never", events)
    path.settle(ids.values())
    return ids, events, path.ledger(tenant)


def test_without_trouble_there_is_a_post_an_attempt_and_a_step(path, calm):
    """Each delivery is where it belongs, and was POSTed exactly as often as an Attempt says."""
    ids, events, ledger = calm
    assert ledger.faults(events) == []
    assert Counter(delivered=EVENTS) == ledger.fates(ids["/calm/ok"])
    assert Counter(delivered=EVENTS) == ledger.fates(ids["/calm/twice"])
    assert Counter(dead=EVENTS) == ledger.fates(ids["/calm/never"])
    for way, each in (("/calm/ok", 1), ("/calm/twice", 3), ("/calm/never", 3)):
        assert Counter(dict.fromkeys(events, each)) == Counter(path.receiver.event_ids(way))
        assert each * EVENTS == len(ledger.attempts_of(ids[way]))


def test_nothing_is_posted_before_it_is_due(path, calm):
    """The receiver's own clock says: every further attempt came at its `not-before` or later."""
    ids, _, ledger = calm
    checked = 0
    for way in ("/calm/twice", "/calm/never"):
        due = {
            (attempt["event_id"], attempt["number"] + 1): attempt["due_at"] / 1_000
            for attempt in ledger.attempts_of(ids[way])
            if attempt["verdict"] == "retry"
        }
        number = Counter()
        for post in path.receiver.of(way):
            number[post.event_id] += 1
            if number[post.event_id] > 1:
                assert post.at >= due[post.event_id, number[post.event_id]]
                checked += 1
    assert checked == 2 * 2 * EVENTS


def test_a_paused_backlog_waits_then_starts_in_offset_order(path):
    """Paused: not even a retry that falls due is POSTed; resumed: all of it, in order, once."""
    tenant = path.tenant()
    where, other = path.at("/paused", failures=1, status=500), path.at("/not-paused")
    paused, active = path.endpoint(tenant, where), path.endpoint(tenant, other)
    first = path.publish(tenant)
    path.got(where, first)
    path.client.pause_endpoint(paused)
    path.effective(paused)
    path.settle([active])
    path.at(where)
    backlog = path.publish(tenant, 300)
    path.got(other, backlog)
    path.settle([active])
    held = path.ledger(tenant)
    assert Counter(waiting=301) == held.fates(paused)
    assert first == path.receiver.event_ids(where)

    path.client.resume_endpoint(paused)
    path.got(where, backlog)
    path.settle([paused, active])
    ledger = path.ledger(tenant)
    assert ledger.faults(first + backlog) == []
    assert Counter([*first, *first, *backlog]) == Counter(path.receiver.event_ids(where))
    offsets = {
        (kept.delivery_id, kept.progress.attempts_made + 1): kept.offset
        for kept in ledger.lanes
        if kept.endpoint_id == paused
    }
    starts = [
        (one["started_at"], offsets[one["delivery_id"], one["number"]])
        for one in ledger.attempts_of(paused)
    ]
    assert [offset for _, offset in sorted(starts)] == sorted(offsets.values())


def test_a_slow_endpoint_does_not_delay_another(path):
    """500 deliveries of one endpoint all arrive before a 10-second-slow one's first answer."""
    tenant = path.tenant()
    slow, fast = path.at("/slow", delay_s=10), path.at("/fast")
    slow_id = path.endpoint(tenant, slow)
    path.endpoint(tenant, fast)
    events = path.publish(tenant, 500)
    path.got(fast, events)
    wait(lambda: path.receiver.of(slow), "the slow one's first")
    first_answer = path.receiver.of(slow)[0].at + 10
    assert max(post.at for post in path.receiver.of(fast)) < first_answer
    path.client.delete_endpoint(slow_id)
