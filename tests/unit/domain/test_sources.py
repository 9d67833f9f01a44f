"""Which topics are sources, and who may be named on them."""

import pytest

from hooklane.domain.errors import BrokenContract
from hooklane.domain.sources import Source, Sources

ANY = Source(pattern="events.*")


def test_the_first_fitting_source_counts():
    """Of several."""
    narrow = Source(pattern="events.order", default_tenant="acme")
    assert Sources([narrow, ANY], prefix="h").source_of("events.order") == narrow
    assert Sources([ANY, narrow], prefix="h").source_of("events.order") == ANY


def test_our_own_topics_are_none_but_for_the_operational_events():
    """Whatever the patterns."""
    sources = Sources([Source(pattern="*")], prefix="h")
    topics = ["h.lane.a", "h.retry.5s", "__consumer_offsets", "events.h", "other"]
    assert sources.among(topics) == {"events.h", "other"}
    assert Sources([], prefix="h").among(topics) == {"events.h"}


def test_a_tenant_is_the_named_or_the_default_one():
    """Where any may be named."""
    assert ANY.tenant_of("acme") == "acme"
    assert Source(pattern="x", default_tenant="acme").tenant_of(None) == "acme"


@pytest.mark.parametrize("named", [None, "globex"])
def test_no_tenant_and_a_forbidden_one_break_the_contract(named):
    """A source speaks for its own tenants."""
    with pytest.raises(BrokenContract) as raised:
        Source(pattern="x", tenants=("acme",)).tenant_of(named)
    assert raised.value.fields == {"reason": "tenant"}
