"""Who gets an event: the same from the index as from asking every endpoint."""

from datetime import timedelta

import pytest

from hooklane.domain import matching
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement
from hooklane.domain.matching import MatchIndex, Refusal, patterns_over, refusal_of
from hooklane.domain.subscription import Subscription

LANE = Placement(topic="p.lane.a", partition=0)


def endpoint(name, *patterns, tenant="acme", state=EndpointState.ACTIVE, lane=LANE, revision=1):
    return Endpoint(
        endpoint_id=name,
        tenant=tenant,
        revision=revision,
        state=state,
        url="https://example.com/",
        subscription=Subscription(patterns=patterns),
        secrets=(),
        sealed_headers=None,
        timeout=timedelta(seconds=15),
        retry_schedule=(),
        placement=lane,
    )


def matched(index, event_type, tenant="acme"):
    return [found.endpoint_id for found in index.match(tenant, event_type).matched]


def test_every_pattern_over_a_type_is_looked_up():
    """The most exact first."""
    assert list(patterns_over("a.b.c")) == ["a.b.c", "a.b.*", "a.*", "*"]


def test_an_event_goes_to_whom_it_concerns_in_id_order():
    """By type, by prefix, by everything; once each."""
    index = MatchIndex(
        [
            endpoint("ep_d", "order.shipped"),
            endpoint("ep_c", "*"),
            endpoint("ep_b", "order.*", "order.created"),
            endpoint("ep_a", "order.created"),
        ]
    )

    assert matched(index, "order.created") == ["ep_a", "ep_b", "ep_c"]
    assert len(index) == 4


def test_one_tenant_never_gets_anothers_event():
    """Whatever its patterns."""
    index = MatchIndex([endpoint("ep_a", "*", tenant="other")])

    assert matched(index, "order.created") == []


def test_a_new_revision_replaces_the_one_before():
    """Also what was remembered of it."""
    index = MatchIndex([endpoint("ep_a", "order.*", "user.*")])
    assert matched(index, "order.created") == ["ep_a"]

    index.put(endpoint("ep_a", "user.created", revision=2))

    assert matched(index, "order.created") == []
    assert matched(index, "user.created") == ["ep_a"]
    assert index.get("ep_a").revision == 2


def test_a_removed_endpoint_gets_nothing():
    """And removing it twice is no error; its neighbours stay."""
    index = MatchIndex([endpoint("ep_a", "order.*"), endpoint("ep_b", "order.*")])

    index.remove("ep_a")
    index.remove("ep_a")

    assert matched(index, "order.created") == ["ep_b"]
    assert index.get("ep_a") is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"state": EndpointState.PAUSED}, None),
        ({"state": EndpointState.DISABLED}, "endpoint_disabled"),
        ({"state": EndpointState.DELETED, "lane": None}, "endpoint_deleted"),
        ({"lane": None}, "endpoint_without_lane"),
    ],
)
def test_who_takes_no_new_events_is_refused_with_a_reason(changes, reason):
    """The state table's first column."""
    one = endpoint("ep_a", "*", **changes)
    match = MatchIndex([one]).match("acme", "order.created")

    assert refusal_of(one) == reason
    if reason is None:
        assert (match.matched, match.refused) == ((one,), ())
    else:
        refusal = Refusal(endpoint_id="ep_a", reason=reason)
        assert (match.matched, match.refused) == ((), (refusal,))


def test_what_is_remembered_is_bounded(monkeypatch):
    """Ever new types must not fill the memory."""
    monkeypatch.setattr(matching, "REMEMBERED_MAX", 2)
    index = MatchIndex([endpoint("ep_a", "*")])

    for number in range(5):
        assert matched(index, f"order.number{number}") == ["ep_a"]

    assert len(index._remembered["acme"]) <= 2


def test_what_is_remembered_is_bounded_by_its_endpoints_too(monkeypatch):
    """A result may hold 100,000 of them."""
    monkeypatch.setattr(matching, "REMEMBERED_ENDPOINTS_MAX", 5)
    index = MatchIndex([endpoint("ep_a", "*"), endpoint("ep_b", "*")])

    for number in range(7):
        assert matched(index, f"order.number{number}") == ["ep_a", "ep_b"]

    assert len(index._remembered["acme"]) <= 3


def test_a_change_forgets_what_is_remembered_of_its_tenant_alone():
    """The others' endpoints are the same."""
    index = MatchIndex([endpoint("ep_a", "*"), endpoint("ep_b", "*", tenant="beta")])
    mine, its = index.match("acme", "order.created"), index.match("beta", "order.created")

    index.put(endpoint("ep_c", "*"))

    assert index.match("beta", "order.created") is its
    assert index.match("acme", "order.created") is not mine
    assert index._remembered_count == 2
    assert index._remembered_endpoints == 3


def test_a_match_is_remembered_until_the_table_changes():
    """The same few types come over and over."""
    index = MatchIndex([endpoint("ep_a", "*")])

    first = index.match("acme", "order.created")
    assert index.match("acme", "order.created") is first
    index.put(endpoint("ep_b", "user.*"))

    assert index.match("acme", "order.created") is not first
