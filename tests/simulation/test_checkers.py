"""The checkers can fail: each law is broken on purpose, and its checker must see it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.offsets import Committed
from hooklane.domain.subscription import Subscription
from simulation.ledger import Broken
from simulation.simulation import SETTINGS, Simulation

ALL_OF_ACME = {"tenant": "acme", "subscription": Subscription(patterns=("*",))}


def spoiling(kind, part, spoil):
    """Give a wrap that spoils one port of one kind of worker; the rest stays as it is."""

    def wrap(of, name, port):
        return spoil(port) if (of, name) == (kind, part) else port

    return wrap


def forgets_offsets(producer):
    producer.send_offsets = lambda offsets, member: set()
    return producer


def keeps_records(wanted):
    """Give a producer's spoiling: it writes only the records that are wanted."""

    def spoil(producer):
        produce = producer.produce

        def written(topic, value, **named):
            if wanted(topic, value):
                produce(topic, value, **named)

        producer.produce = written
        return producer

    return spoil


def writes_twice(wanted):
    def spoil(producer):
        produce = producer.produce

        def written(topic, value, **named):
            produce(topic, value, **named)
            if wanted(topic):
                produce(topic, value, **named)

        producer.produce = written
        return producer

    return spoil


def changes_payloads(producer):
    produce = producer.produce

    def written(topic, value, **named):
        if ".lane." in topic:
            delivery = codec("delivery").decode(value)
            value = codec("delivery").encode({**delivery, "payload": b"{}"})
        produce(topic, value, **named)

    producer.produce = written
    return producer


def forgets_metadata(member):
    committed = member.committed
    member.committed = lambda partitions: {
        partition: Committed(offset=found.offset)
        for partition, found in committed(partitions).items()
    }
    return member


def loses_what_was_consumed(member):
    consume = member.consume
    member.consume = lambda records_max, *, timeout: consume(records_max, timeout=timeout)[1:]
    return member


def consumes_nothing(member):
    member.consume = lambda records_max, *, timeout: []
    return member


def takes_everything(member):
    consume = member.consume
    member.consume = lambda records_max, *, timeout: consume(10_000, timeout=timeout)
    return member


class Ahead:
    """A clock that is a minute ahead."""

    def __init__(self, clock):
        self._clock, self.monotonic, self.sleep = clock, clock.monotonic, clock.sleep

    def now(self):
        return self._clock.now() + timedelta(minutes=1)

    def now_ms(self):
        return self._clock.now_ms() + 60_000


SPOILT = {
    "the matcher forgets its offsets": ("matcher", "producer", forgets_offsets),
    "the deliverer forgets its offsets": ("deliverer", "producer", forgets_offsets),
    "the retrier forgets its offsets": ("retrier", "producer", forgets_offsets),
    "the matcher writes no receipts": (
        "matcher", "producer", keeps_records(lambda topic, _: not topic.endswith(".matches"))
    ),
    "the matcher loses a lane": (
        "matcher", "producer", keeps_records(lambda topic, _: not topic.endswith(".lane.a"))
    ),
    "the deliverer writes no retries": (
        "deliverer", "producer", keeps_records(lambda topic, _: ".retry." not in topic)
    ),
    "the deliverer writes no attempts": (
        "deliverer", "producer", keeps_records(lambda topic, _: not topic.endswith(".attempts"))
    ),
    "the retrier copies twice": (
        "retrier", "producer", writes_twice(lambda topic: ".lane." in topic)
    ),
    "the deliverer writes retries twice": (
        "deliverer", "producer", writes_twice(lambda topic: ".retry." in topic)
    ),
    "the replayer leaves no tombstones": (
        "replayer", "producer", keeps_records(lambda _, value: value is not None)
    ),
    "the retrier changes payloads": ("retrier", "producer", changes_payloads),
    "a new owner forgets what is finished": ("deliverer", "member", forgets_metadata),
    "the deliverer loses what it consumed": ("deliverer", "member", loses_what_was_consumed),
    "the matcher loses what it consumed": ("matcher", "member", loses_what_was_consumed),
    "the deliverer's clock is ahead": ("deliverer", "clock", Ahead),
}  # fmt: skip


@pytest.mark.parametrize("fault", SPOILT)
def test_a_broken_law_is_seen(fault):
    """Each fault that we know how to make turns a checker red, within a few seeds."""
    for seed in range(20):
        try:
            Simulation(seed, wrap=spoiling(*SPOILT[fault])).run()
        except Broken:
            return
    raise AssertionError(f"nobody noticed that {fault}")


def test_a_tier_that_nobody_reads_is_seen():
    """What does not drain once all is well is a broken promise."""
    spoilt = spoiling("retrier", "member", consumes_nothing)
    with pytest.raises(Broken, match="not drained"):
        Simulation(2, wrap=spoilt, drain_rounds_max=300).run()


def a_backlog(*, wrap=None):
    """Run while far more waits for a paused endpoint than a deliverer may hold."""
    simulation = Simulation(3, wrap=wrap)
    # The span is wide, so that the buffers' own limits are what holds.
    wide = {**SETTINGS["deliverer"], "span_max": 18_000}
    world, simulation.workers.settings = simulation.world, {**SETTINGS, "deliverer": wide}
    simulation.begin()
    for endpoint in list(world.endpoints.values()):
        world.put(replace(endpoint, revision=2, state=EndpointState.PAUSED, **ALL_OF_ACME))
    (deliverer,) = [one for one in simulation.running if one.kind == "deliverer"]
    simulation.workers.kill(deliverer)
    for starts_at, events_count in ((1e6, 800), (0.0, 0)):
        deliverer.starts_at = starts_at
        for _ in range(events_count):
            world.publish()
        for _ in range(600):
            simulation.round()


def test_a_backlog_is_held_within_bounds():
    """Memory is bounded, whatever the backlog."""
    a_backlog()


def test_a_backlog_that_is_held_whole_is_seen():
    """The check of memory can fail."""
    with pytest.raises(Broken, match="holds"):
        a_backlog(wrap=spoiling("deliverer", "member", takes_everything))
