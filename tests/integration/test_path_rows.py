"""Each row of the verdict table and of the state table, from the publisher to the ledger."""

import socket
from collections import Counter

import pytest

from hooklane.domain.errors import Conflict, NotFound
from support.path import wait

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

BACKLOG = 100


def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def twice(outcome):
    return {(outcome, "retry", ""): 1, (outcome, "dead", "exhausted"): 1}


# What the receiver does, the endpoint's own fields, and (outcome, verdict, reason) of its attempts.
ROWS = {
    "2xx": ({"status": 204}, {}, {("succeeded", "delivered", ""): 1}),
    "410": ({"status": 410}, {}, {("rejected", "dead", "gone"): 1}),
    "3xx": ({"status": 302, "headers": "Location: /rows/2xx?moved\r\n"}, {}, twice("rejected")),
    "4xx": ({"status": 404}, {}, twice("rejected")),
    "5xx": ({"status": 503}, {}, twice("rejected")),
    "hang": ({"hang": True}, {"timeout_ms": 1_000}, twice("timed_out")),
    "closed": ({}, {"url": f"http://127.0.0.1:{closed_port()}/"}, twice("unreachable")),
    "no name": ({}, {"url": "http://nowhere.invalid/"}, twice("unreachable")),
    "private": ({}, {"url": "http://10.0.0.1/"}, {("blocked", "dead", "address_refused"): 1}),
}


@pytest.fixture(scope="module")
def rows(path):
    """One event to an endpoint a row; gives (endpoints, ledger) when all is over."""
    tenant = path.tenant()
    ids = {
        row: path.endpoint(
            tenant, path.at(f"/rows/{row}", **answer), retry_schedule=["1s"], **fields
        )
        for row, (answer, fields, _) in ROWS.items()
    }
    events = path.publish(tenant)
    path.got("/rows/hang", events)
    path.settle(ids.values())
    ledger = path.ledger(tenant)
    assert ledger.faults(events) == []
    return ids, ledger


@pytest.mark.parametrize("row", ROWS)
def test_a_verdict_follows_from_what_the_endpoint_does(rows, row):
    """The verdict table, with a schedule of one step."""
    ids, ledger = rows
    assert Counter(ROWS[row][2]) == ledger.verdicts(ids[row])


def test_a_redirect_is_never_followed(path, rows):
    """What a Location names gets nothing; the endpoint itself is asked again."""
    assert path.receiver.of("/rows/2xx?moved") == []
    assert len(path.receiver.of("/rows/3xx")) == 2


def test_410_disables_the_endpoint(path, rows):
    """The API shows it disabled, and why."""
    ids, _ = rows
    wait(lambda: path.client.endpoint(ids["410"])["state"] == "disabled", "disabled")
    assert path.client.endpoint(ids["410"])["state_reason"] == "gone"


def test_retry_after_holds_the_lane(path):
    """After a 429 with Retry-After nothing of that lane starts before; another's does."""
    tenant = path.tenant()
    where, other = path.at("/busy", status=429, headers="Retry-After: 4\r\n"), path.at("/idle")
    busy, idle = path.endpoint(tenant, where), path.endpoint(tenant, other)
    first = path.publish(tenant)
    path.got(where, first)
    wait(lambda: path.recorded(busy), "the attempt")
    path.at(where)
    second = path.publish(tenant)
    path.got(other, second)
    path.got(where, second)
    path.settle([busy, idle])
    posts = path.receiver.of(where)
    assert Counter([*first, *first, *second]) == Counter(post.event_id for post in posts)
    assert all(post.at >= posts[0].at + 4 for post in posts[1:])
    assert path.ledger(tenant).faults(first + second) == []


def test_a_disabled_endpoint_gets_nothing_until_it_is_enabled_and_redriven(path):
    """New events are refused, lane and due retries die, a redrive is 409; enabled, all arrive."""
    tenant = path.tenant()
    where = path.at("/disabled", status=500)
    endpoint = path.endpoint(tenant, where, retry_schedule=["5s"])
    waiting = path.publish(tenant)
    path.got(where, waiting)
    path.client.pause_endpoint(endpoint)
    path.effective(endpoint)
    backlog = path.publish(tenant, BACKLOG)
    path.at(where, status=410)
    path.client.resume_endpoint(endpoint)
    wait(lambda: path.client.endpoint(endpoint)["state"] == "disabled", "disabled")
    path.effective(endpoint)
    refused = path.publish(tenant)
    wait(lambda: path.ledger(tenant).fates() == {"dead": BACKLOG + 1}, "the deaths")
    path.settle([endpoint])

    ledger = path.ledger(tenant)
    assert ledger.faults(waiting + backlog + refused) == []
    (receipt,) = [one for one in ledger.receipts if one["event_id"] == refused[0]]
    assert [endpoint] == [one["endpoint_id"] for one in receipt["refused"]]
    last = [one for one in ledger.attempts_of(endpoint) if one["event_id"] == waiting[0]][-1]
    assert (last["verdict"], last["reason"]) == ("dead", "endpoint_disabled")
    reasons = Counter(one["reason"] for one in ledger.attempts_of(endpoint) if one["reason"])
    assert {"gone", "endpoint_disabled"} == set(reasons)
    with pytest.raises(Conflict):
        path.client.redrive(endpoint)

    path.at(where)
    path.client.enable_endpoint(endpoint)
    path.effective(endpoint)
    wait(lambda: len(path.dead_letters(endpoint)) == BACKLOG + 1, "the recorded dead letters")
    path.client.redrive(endpoint)
    wait(lambda: path.dead_letters(endpoint) == [], "the redrive")
    path.settle([endpoint])
    ledger = path.ledger(tenant)
    assert ledger.faults(waiting + backlog + refused) == []
    assert Counter(delivered=BACKLOG + 1) == ledger.fates()


def test_what_waits_for_a_deleted_endpoint_is_cancelled(path):
    """Lane and due retries are cancelled, none is POSTed; a redrive is 404, dead letters stay."""
    tenant = path.tenant()
    where, dying = path.at("/deleted", status=500), path.at("/dying", status=500)
    endpoint = path.endpoint(tenant, where, retry_schedule=["5s"])
    mortal = path.endpoint(tenant, dying, retry_schedule=["1s"])
    first = path.publish(tenant)
    path.got(where, first)
    path.client.pause_endpoint(endpoint)
    path.effective(endpoint)
    wait(lambda: path.dead_letters(mortal), "the dead letter")
    path.client.delete_endpoint(mortal)
    path.effective(mortal)
    backlog = path.publish(tenant, 50)
    wait(lambda: path.ledger(tenant).fates(endpoint) == {"waiting": 51}, "the backlog")
    path.client.delete_endpoint(endpoint)
    path.settle([endpoint, mortal])

    ledger = path.ledger(tenant)
    assert ledger.faults(first + backlog) == []
    assert Counter(cancelled=51) == ledger.fates(endpoint)
    assert Counter(dead=1) == ledger.fates(mortal)
    assert (ledger.verdicts(endpoint)) == {
        ("rejected", "retry", ""): 1,
        ("none", "cancelled", "endpoint_deleted"): 51,
    }
    assert first == path.receiver.event_ids(where)
    with pytest.raises(NotFound):
        path.client.redrive(mortal)


def test_a_redrive_to_a_paused_endpoint_waits_in_its_lane(path):
    """It leaves the dead letters at once, and is POSTed after the resume."""
    tenant = path.tenant()
    where = path.at("/again", status=500)
    endpoint = path.endpoint(tenant, where, retry_schedule=["1s"])
    events = path.publish(tenant)
    wait(lambda: path.dead_letters(endpoint), "the dead letter")
    path.client.pause_endpoint(endpoint)
    path.effective(endpoint)
    path.at(where)
    path.client.redrive(endpoint)
    wait(lambda: path.dead_letters(endpoint) == [], "the redrive")
    assert Counter(waiting=1) == path.ledger(tenant).fates()
    assert len(path.receiver.of(where)) == 2
    path.client.resume_endpoint(endpoint)
    path.settle([endpoint])
    ledger = path.ledger(tenant)
    assert ledger.faults(events) == []
    assert Counter(delivered=1) == ledger.fates()
    assert len(path.receiver.of(where)) == 3
