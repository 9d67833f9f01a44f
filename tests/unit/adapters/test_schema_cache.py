"""Schemas are asked for once, and remembered past a restart."""

import threading
from datetime import timedelta

import pytest

from hooklane.adapters.schema_cache import Background, SchemaCache
from hooklane.domain.errors import BrokenContract, NotFound, Unavailable
from support.matcher_bench import SCHEMA, MatcherBench
from support.registry_fake import FakeRegistry

OTHER = {**SCHEMA, "name": "shipped"}


@pytest.fixture
def bench():
    return MatcherBench()


def a_cache(bench, **more):
    made = SchemaCache(
        bench.cluster.reader(instance="c"),
        bench.cluster.producer(instance="c"),
        topic=bench.topics.schemas,
        ask=more.pop("ask", bench.registry.known),
        clock=bench.clock,
        log=bench.log,
    )
    made.start()
    return made


def test_a_schema_is_asked_for_once(bench):
    """However often it is used, by whoever reads the topic, also after a restart."""
    cache = a_cache(bench)
    for _ in range(3):
        found = cache.get(bench.schema_id, "events.order")
        assert (found.event_type, found.version) == ("order.created", 1)
    assert bench.registry.asked == 1

    bench.registry.failure = Unavailable("away")
    assert a_cache(bench).get(bench.schema_id, "events.other").version == 1


def test_what_another_process_learned_is_known(bench):
    """While both run."""
    first, second = a_cache(bench), a_cache(bench)
    first.get(bench.schema_id, "events.order")
    bench.registry.failure = Unavailable("away")
    assert second.get(bench.schema_id, "events.order").version == 1


def test_the_version_is_that_of_the_full_name_else_of_the_topic(bench):
    """And each topic's own where several have the schema."""
    bench.registry.put("a-value", SCHEMA)
    shipped = bench.registry.put("a-value", OTHER)
    bench.registry.put("b-value", OTHER)
    cache = a_cache(bench)
    assert cache.get(bench.schema_id, "a").version == 1
    assert cache.get(shipped, "a").version == 2
    assert cache.get(shipped, "b").version == 1
    bench.registry.failure = Unavailable("away")
    again = a_cache(bench)
    assert (again.get(shipped, "a").version, again.get(shipped, "b").version) == (2, 1)


def test_a_schema_of_no_version_that_counts_is_not_found(bench):
    """It is registered under other names only."""
    shipped = bench.registry.put("elsewhere", OTHER)
    with pytest.raises(NotFound):
        a_cache(bench).get(shipped, "a")


def test_a_failure_is_remembered_for_a_second(bench):
    """A topic full of unknown ids does not ask once a record."""
    cache = a_cache(bench)
    for _ in range(5):
        with pytest.raises(NotFound):
            cache.get(99, "events.order")
    assert bench.registry.asked == 1
    bench.clock.advance(timedelta(seconds=1))
    with pytest.raises(NotFound):
        cache.get(99, "events.order")
    assert bench.registry.asked == 2


def test_a_schema_that_is_none_breaks_the_contract(bench):
    """Each time."""
    bad = bench.registry.put("x", "string")
    cache = a_cache(bench)
    with pytest.raises(BrokenContract):
        cache.get(bad, "events.order")


def test_unreadable_records_are_passed_over(bench):
    """And said."""
    bench.publish_raw(b"garbage", topic=bench.topics.schemas)
    bench.publish_raw(None, topic=bench.topics.schemas)
    assert a_cache(bench).get(bench.schema_id, "events.order").version == 1
    assert "schema.unreadable" in bench.log.whats()


class Slow(FakeRegistry):
    """Answers only when it is let."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def known(self, ref):
        self.go.wait(10)
        return super().known(ref)


def test_a_slow_registry_holds_nobody_up(bench):
    """While the answer is under way it is unavailable; once there, it is given."""
    registry = Slow()
    schema_id = registry.put("order.created", SCHEMA)
    ask = Background(registry, patience=timedelta(milliseconds=1))
    cache = a_cache(bench, ask=ask)
    for _ in range(3):
        with pytest.raises(Unavailable):
            cache.get(schema_id, "events.order")
    registry.go.set()
    for _ in range(1000):
        try:
            found = cache.get(schema_id, "events.order")
            break
        except Unavailable:
            threading.Event().wait(0.001)
    assert found.version == 1
    assert registry.asked == 1
    ask.close()


def test_a_background_failure_is_raised_and_asked_again(bench):
    """As the registry said it."""
    ask = Background(bench.registry, patience=timedelta(seconds=5))
    with pytest.raises(NotFound):
        ask(99)
    assert ask(bench.schema_id).versions == {"order.created": 1}
    ask.close()
