"""The whole path on the real stack: an event is published, endpoints get it, the ledger agrees."""

from collections import Counter, deque

import pytest

from support.path import wait

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

TIMES = 150
ALIVE_MAX = 10


def test_an_effective_endpoint_gets_the_very_next_event(path):
    """150 times: an event appended after `effective: true` is in the new endpoint's lane."""
    tenant = path.tenant()
    alive, events = deque(), []
    for number in range(TIMES):
        endpoint_id = path.endpoint(tenant, path=_at(path, f"/next/{number}"))
        events += path.publish(tenant)
        alive.append((endpoint_id, f"/next/{number}", events[-1]))
        if len(alive) == ALIVE_MAX:
            _end_oldest(path, alive)
    while alive:
        _end_oldest(path, alive)

    assert path.ledger(tenant).faults(events) == []


def _at(path, where, **answering):
    path.receiver.url(where, **answering)
    return where


def _end_oldest(path, alive):
    endpoint_id, where, event_id = alive.popleft()
    wait(lambda: event_id in path.receiver.event_ids(where), f"{event_id} at {where}")
    path.client.delete_endpoint(endpoint_id)


def test_events_are_delivered_once_with_retries_and_deaths_at_their_steps(path):
    """Without any trouble: as many POSTs as attempts, and each delivery is where it belongs."""
    tenant = path.tenant()
    ways = {
        "/calm/ok": {},
        "/calm/twice": {"failures": 2, "status": 500},
        "/calm/never": {"status": 500},
    }
    ids = {way: path.endpoint(tenant, _at(path, way, **answer)) for way, answer in ways.items()}
    events = path.publish(tenant, 40)
    wait(
        lambda: path.lag(ids["/calm/ok"]) == 0 and path.receiver.of("/calm/ok"), "the healthy ones"
    )
    path.settle(ids.values())

    ledger = path.ledger(tenant)
    assert ledger.faults(events) == []
    assert Counter(delivered=40) == ledger.fates(ids["/calm/ok"])
    assert Counter(delivered=40) == ledger.fates(ids["/calm/twice"])
    assert Counter(dead=40) == ledger.fates(ids["/calm/never"])
    for way, each in (("/calm/ok", 1), ("/calm/twice", 3), ("/calm/never", 3)):
        assert Counter(dict.fromkeys(events, each)) == Counter(path.receiver.event_ids(way))
        assert 40 * each == len(ledger.attempts_of(ids[way]))
