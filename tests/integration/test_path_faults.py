"""The whole path while parts of it die: nothing is lost, nothing but a POST is there twice."""

import signal
from collections import Counter

import pytest

from support.path import publishing, wait

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

KILLED = ("matcher", "deliverer", "retrier", "replayer", "recorder")
DATA_PLANE = ("matcher", "deliverer", "retrier")


def test_a_broker_that_is_killed_and_comes_back_loses_and_doubles_nothing(path):
    """SIGKILL in mid-flow: what was acknowledged is delivered in the end, each record is exact."""
    events, ledger = _restart_broker(path, signal.SIGKILL)
    assert ledger.faults(events) == []
    assert Counter(delivered=2 * len(events)) == ledger.fates()


def test_a_broker_that_is_stopped_and_comes_back_loses_nothing(path):
    """SIGTERM in mid-flow: what was acknowledged is delivered in the end.

    No more is asked: Kafka 4.4 stopping as its cluster's only broker was seen to complete a commit
    (PrepareCommit, CompleteCommit) of which no partition ever got its marker.
    """
    events, ledger = _restart_broker(path, signal.SIGTERM)
    assert Counter(delivered=2 * len(events)) == ledger.fates()


def _restart_broker(path, number):
    """Publish while the broker goes and comes back; give the events and the ledger at rest."""
    tenant = path.tenant()
    ways = {f"/broker/{number}/ok": {}, f"/broker/{number}/once": {"failures": 1, "status": 500}}
    ids = [path.endpoint(tenant, path.at(way, **how)) for way, how in ways.items()]
    with publishing(path, tenant, every_s=0.02) as events:
        wait(lambda: len(events) >= 30, "the first events")
        path.kill("kafka", number)
        count = len(events)
        wait(lambda: len(events) >= count + 30, "events after the start", within_s=150)
    for way in ways:
        path.got(way, events)
    path.settle(ids)
    return events, path.ledger(tenant)


def test_deliveries_go_on_without_registry_control_and_database(path):
    """They need Kafka alone, also to start; what they did is recorded when the database is back."""
    tenant = path.tenant()
    where = path.at("/alone", failures=1, status=500)
    endpoint = path.endpoint(tenant, where)
    events = path.publish(tenant)
    path.got(where, events)
    # Locked first: control may hold the lock itself when it is frozen.
    with path.locked_database(), path.frozen("registry", "control"):
        for service in DATA_PLANE:
            path.kill(service)
        events += path.publish(tenant, 50)
        path.got(where, events)
        path.settle([endpoint])
    path.kill("registry")
    path.kill("control")
    events += path.publish(tenant, 10)
    path.got(where, events)
    path.settle([endpoint])
    ledger = path.ledger(tenant)
    assert ledger.faults(events) == []
    assert Counter(delivered=61) == ledger.fates()
    path.back("control")
    made = Counter(one["attempt_id"] for one in ledger.attempts_of(endpoint))
    wait(lambda: Counter(path.recorded(endpoint)) == made, "the recorded attempts")
    newcomer = path.endpoint(tenant, path.at("/newcomer"))
    events += path.publish(tenant)
    path.got("/newcomer", events[-1:])
    path.settle([endpoint, newcomer])
    assert path.ledger(tenant).faults(events) == []


def test_each_service_killed_once_leaves_the_ledger_exact(path):
    """SIGKILL of each in one flow with failing receivers: nothing lost, no record doubled."""
    tenant = path.tenant()
    ways = {
        "/killed/ok": {},
        "/killed/once": {"failures": 1, "status": 500},
        "/killed/never": {"status": 500},
    }
    ids = {way: path.endpoint(tenant, path.at(way, **how)) for way, how in ways.items()}
    never = ids["/killed/never"]
    with publishing(path, tenant, every_s=0.01) as events:
        wait(lambda: path.dead_letters(never), "the first dead letters")
        for service in KILLED:
            path.client.redrive(never)
            path.kill(service)
            count = len(events)
            wait(lambda count=count: len(events) >= count + 20, "events after the kill")
            path.back(service)
    path.at("/killed/never")
    path.settle(ids.values())
    ledger = path.ledger(tenant)
    assert ledger.faults(events) == []
    assert {"delivered"} == {*ledger.fates(ids["/killed/ok"]), *ledger.fates(ids["/killed/once"])}

    _redrive_all(path, never)
    path.settle(ids.values())
    ledger = path.ledger(tenant)
    assert ledger.faults(events) == []
    assert Counter(delivered=3 * len(events)) == ledger.fates()
    for way, endpoint in ids.items():
        attempts = ledger.attempts_of(endpoint)
        assert Counter() == Counter(one["event_id"] for one in attempts) - Counter(
            path.receiver.event_ids(way)
        )
        made = Counter(one["attempt_id"] for one in attempts)
        wait(lambda e=endpoint, made=made: Counter(path.recorded(e)) == made, "the same rows")


def _redrive_all(path, endpoint):
    path.client.redrive(endpoint)
    wait(lambda: path.dead_letters(endpoint) == [], "the redrive")
