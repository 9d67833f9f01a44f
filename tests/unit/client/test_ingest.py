"""The SDK's own words for the ingest API."""

import pytest

from hooklane.client import Ingest
from hooklane.domain.errors import Invalid, Unavailable
from support.ingesting import ADMIN_KEY, EVENT, IngestBench
from support.to_door import ToDoor


@pytest.fixture
def bench():
    return IngestBench()


@pytest.fixture
def door(bench):
    with Ingest("http://door", ADMIN_KEY, transport=ToDoor(bench)) as found:
        yield found


def test_an_event_is_published_and_told_of(bench, door):
    """With what was said of it; None is not said."""
    answer = door.publish("order.created", {"n": 1}, tenant="acme", id="o-1", key=None)
    assert (answer["id_in_source"], answer["id"][:4], bench.ids()) == ("o-1", "evt_", ["o-1"])


def test_several_are_published_by_one_call(bench, door):
    """Under the call's key."""
    answers = door.publish_all([EVENT, EVENT], idempotency_key="call")
    assert [answer["id_in_source"] for answer in answers] == ["call/0", "call/1"] == bench.ids()


def test_a_refusal_is_raised_with_the_apis_sentence(bench, door):
    """And what is away as such, named."""
    with pytest.raises(Invalid, match="field n should be"):
        door.publish("order.created", {"n": "x"}, tenant="acme")
    bench.registry.failure = Unavailable("away")
    with pytest.raises(Unavailable, match="ingest API answered 503: away"):
        door.publish("order.shipped", {"n": 1}, tenant="acme")
