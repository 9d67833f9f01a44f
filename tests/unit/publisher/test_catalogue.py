"""What can be published is looked up once; what may have changed is asked again."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import Invalid, NotFound, Unavailable
from hooklane.publisher.catalogue import Catalogue
from support.matcher_bench import SCHEMA, MatcherBench

NEWER = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "m", "type": "int", "default": 0}]}


@pytest.fixture
def bench():
    return MatcherBench()


@pytest.fixture
def catalogue(bench):
    return Catalogue(bench.registry, bench.admin, clock=bench.clock)


def test_what_was_found_is_fresh_for_a_while(bench, catalogue):
    """A named version for ever: it never changes."""
    assert catalogue.fresh("order.created", None) is None
    found = catalogue.find("order.created", None)
    named = catalogue.find("order.created", 1)
    assert (found.topic, found.version, named.version) == ("events.order", 1, 1)
    bench.clock.advance(timedelta(seconds=59))
    assert catalogue.fresh("order.created", None) is found
    bench.clock.advance(timedelta(seconds=2))
    assert catalogue.fresh("order.created", None) is None
    assert catalogue.fresh("order.created", 1) is named


def test_a_newer_version_is_found_when_it_is_time(bench, catalogue):
    """Not before."""
    catalogue.find("order.created", None)
    bench.registry.put("order.created", NEWER)
    assert catalogue.find("order.created", None).version == 1
    bench.clock.advance(timedelta(seconds=61))
    assert catalogue.find("order.created", None).version == 2


def test_a_registry_away_is_left_alone_for_a_while(bench, catalogue):
    """What was the latest is used on, without asking for each event."""
    catalogue.find("order.created", None)
    bench.clock.advance(timedelta(seconds=61))
    bench.registry.failure = Unavailable("away")
    asked = bench.registry.asked
    for _ in range(3):
        assert catalogue.find("order.created", None).version == 1
    assert bench.registry.asked == asked + 1
    bench.clock.advance(timedelta(seconds=6))
    catalogue.find("order.created", None)
    assert bench.registry.asked == asked + 2


def test_what_is_not_there_is_not_known(bench, catalogue):
    """Neither a type, nor a version, nor a topic; and a name that is none is not asked for."""
    for event_type, version in (("order.sunk", None), ("order.created", 2)):
        with pytest.raises(NotFound, match="schema registry"):
            catalogue.find(event_type, version)
    bench.registry.put("user.registered", {**SCHEMA, "namespace": "user", "name": "registered"})
    with pytest.raises(NotFound, match=r"topic events\.user"):
        catalogue.find("user.registered", None)
    asked = bench.registry.asked
    with pytest.raises(Invalid):
        catalogue.find("created", None)
    assert bench.registry.asked == asked
