"""Operational events on the real stack: an endpoint's trouble reaches another of its tenant's."""

import json

import pytest

from support.path import wait

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

EVENTS = 4


def told(path, where):
    """Give (type, data) of what the receiver got there."""
    return [
        (whole["type"], whole["data"])
        for whole in (json.loads(post.body) for post in path.receiver.of(where))
    ]


def of_type(path, where, event_type):
    return [data for found, data in told(path, where) if found == event_type]


def test_what_befalls_an_endpoint_reaches_another_of_its_tenant(path):
    """Always 500: failing once, each dead delivery once; well again: recovered; nothing loops."""
    tenant, stranger = path.tenant(), path.tenant()
    where = path.at("/operational/watched")
    watcher = path.endpoint(tenant, where, subscription=["endpoint.*", "delivery.dead"])
    elsewhere = path.at("/operational/stranger")
    path.endpoint(stranger, elsewhere, subscription=["endpoint.failing", "delivery.dead"])
    hopeless = path.at("/operational/hopeless", status=500)
    deaf = path.endpoint(tenant, hopeless, subscription=["delivery.dead"])
    broken = path.endpoint(tenant, path.at("/operational/broken", status=500))
    path.publish(tenant, EVENTS)
    wait(lambda: len(of_type(path, where, "delivery.dead")) >= EVENTS, "what died", within_s=60)
    wait(lambda: of_type(path, where, "endpoint.failing"), "that it fails", within_s=30)
    health = path.client.endpoint_health(broken)
    assert (health["state"], health["last_status"]) == ("failing", 500)
    assert health["consecutive_failures"] == health["last_hour"]["attempts"] == 3 * EVENTS
    path.rewrite(broken, path.at("/operational/well"))
    path.publish(tenant)
    wait(lambda: of_type(path, where, "endpoint.recovered"), "its recovery", within_s=30)
    wait(lambda: len(path.dead_letters(deaf)) == EVENTS, "the deaf one's own", within_s=30)
    dead = of_type(path, where, "delivery.dead")
    assert {data["endpoint_id"] for data in dead} == {broken}
    assert {data["delivery_id"] for data in dead} == set(path.dead_letters(broken))
    created = {data["endpoint_id"] for data in of_type(path, where, "endpoint.created")}
    assert {deaf, broken} <= created
    for event_type in ("endpoint.failing", "endpoint.recovered"):
        assert [data["endpoint_id"] for data in of_type(path, where, event_type)] == [broken]
    assert path.receiver.of(elsewhere) == []
    assert path.client.endpoint_health(watcher)["state"] == "healthy"
