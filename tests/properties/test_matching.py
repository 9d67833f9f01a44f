"""Laws of matching: the index says what asking every endpoint would."""

from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.endpoint import EndpointState
from hooklane.domain.ids import delivery_id
from hooklane.domain.matching import MatchIndex
from properties.strategies import ENDPOINTS, EVENT_TYPES, TENANTS


@given(st.lists(ENDPOINTS, max_size=20), TENANTS, EVENT_TYPES)
def test_the_index_agrees_with_asking_every_endpoint(revisions, tenant, event_type):
    """The last revision of each id counts; who fits is matched or refused, never both."""
    index = MatchIndex(revisions)
    newest = {endpoint.endpoint_id: endpoint for endpoint in revisions}

    match = index.match(tenant, event_type)

    fitting = {
        endpoint_id
        for endpoint_id, endpoint in newest.items()
        if endpoint.tenant == tenant and endpoint.subscription.wants(event_type)
    }
    matched = [endpoint.endpoint_id for endpoint in match.matched]
    refused = [refusal.endpoint_id for refusal in match.refused]
    assert sorted(matched + refused) == sorted(fitting)
    open_states = (EndpointState.ACTIVE, EndpointState.PAUSED)
    assert all(
        endpoint.state in open_states and endpoint.placement is not None
        for endpoint in match.matched
    )


@given(st.lists(ENDPOINTS, max_size=20), TENANTS, EVENT_TYPES)
def test_matching_the_same_event_twice_yields_the_same_deliveries(revisions, tenant, event_type):
    """Whatever else was matched in between, and in a process started anew."""

    def deliveries(index):
        return [
            delivery_id(event_id="evt_a", endpoint_id=found.endpoint_id, trigger="event")
            for found in index.match(tenant, event_type).matched
        ]

    index = MatchIndex(revisions)
    first = deliveries(index)

    assert deliveries(index) == deliveries(MatchIndex(revisions)) == first
    assert len(set(first)) == len(first)


@given(st.lists(ENDPOINTS, max_size=20), TENANTS, EVENT_TYPES)
def test_removing_every_endpoint_leaves_nothing(revisions, tenant, event_type):
    """The index forgets whole endpoints."""
    index = MatchIndex(revisions)
    for endpoint in revisions:
        index.remove(endpoint.endpoint_id)

    assert len(index) == 0
    assert index.match(tenant, event_type).matched == ()
