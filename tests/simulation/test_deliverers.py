"""Deliverers under seeded faults: whatever is killed, aborted or away, the accounts come out even.

The matcher is a writer of deliveries, the retrier a feed that copies what is due: both exact, so
that every doubt is about the deliverers. The failing seed is in the test's name.
"""

import random
from collections import Counter
from datetime import timedelta

import pytest

from hooklane.adapters.http.port import Outcome
from hooklane.domain.delivery import progress_of
from hooklane.domain.errors import TransactionAborted, Unavailable
from support.posting import OK, SECOND, TIERS, TOPICS, DelivererBench, failed, header, status

LANES = ("ep_a", "ep_b", "ep_c", "ep_d")
ANSWERS = (
    (12, (0.02, OK)),
    (3, (0.4, OK)),
    (2, (0.05, status(500))),
    (1, (0.1, status(404))),
    (1, (1.5, failed(Outcome.TIMED_OUT))),
    (1, (0.01, failed(Outcome.UNREACHABLE))),
    (1, (0.05, status(503, retry_after="2"))),
)


class World:
    """A bench, its faults and its books."""

    def __init__(self, seed, *, deadly):
        self.chance = random.Random(seed)
        self.deadly = deadly
        self.bench = DelivererBench(
            span_max=300, lane_buffered_records_max=100, buffered_records_max=200,
            held_records_max=150, uncommitted_ms_max=3_000,
        )  # fmt: skip
        self.bench.sender.rule = self._rule
        self.endpoints = [self.bench.endpoint(name) for name in LANES]
        self.expected = []
        self.early = []
        self.copied = Counter()
        self.not_before = {}
        self.deliverers = [self.bench.deliverer(0), self.bench.deliverer(1)]

    def _rule(self, request):
        event_id = header(request, "webhook-id")
        due = self.not_before.get(event_id)
        if due is not None and self.bench.clock.now() < due:
            self.early.append(event_id)
        weights, answers = zip(*ANSWERS, strict=True)
        return self.chance.choices(answers, weights)[0]

    def publish(self):
        endpoint = self.chance.choice(self.endpoints)
        count = self.chance.randint(1, 60)
        self.expected += [v["delivery_id"] for v in self.bench.deliver(endpoint, count)]

    def feed(self):
        """Copy what is due, each record once."""
        for tier in TIERS:
            for record in self.bench.records(TOPICS.retry(tier)):
                place = (record.topic(), record.partition(), record.offset())
                progress = progress_of(record.headers())
                if place in self.copied or progress.not_before > self.bench.clock.now():
                    continue
                self.copied[place] += 1
                from hooklane.adapters.codec import codec

                value = codec("delivery").decode(record.value())
                self.not_before[value["event_id"]] = progress.not_before
                self.bench.writer.produce(
                    TOPICS.lane(value["endpoint_id"]),
                    record.value(),
                    key=b"k",
                    headers=record.headers(),
                )
                self.bench.writer.flush(SECOND)

    def harm(self):
        number = self.chance.randrange(8)
        cluster = self.bench.cluster
        if number < 4:
            operation = ("begin", "send_offsets", "commit", "commit_offsets")[number]
            cluster.fail_next(operation, TransactionAborted("simulated"))
        elif number == 4:
            cluster.fail_next("committed", Unavailable("simulated"))
        elif number == 5 and self.deadly:
            which = self.chance.randrange(2)
            self.bench.kill(self.deliverers[which])
            self.deliverers[which] = self.bench.deliverer(which)
        elif number == 6 and self.deadly:
            cluster.expel(self.chance.choice(self.deliverers)._ports.member)
        elif number == 7:
            which = self.chance.randrange(2)
            self.deliverers[which].stop()
            self.deliverers[which] = self.bench.deliverer(which)

    def run(self, span):
        self.bench.run(self.deliverers, span, step=timedelta(milliseconds=20))


@pytest.mark.parametrize("deadly", [False, True], ids=["aborts", "kills"])
@pytest.mark.parametrize("seed", range(4))
def test_every_delivery_is_settled_exactly_once(seed, deadly):
    """Each is delivered or dead, once; its attempts are 1, 2, 3 …; nothing is early or doubled."""
    world = World(seed, deadly=deadly)
    for _ in range(12):
        world.publish()
        world.harm()
        world.run(timedelta(milliseconds=world.chance.randint(100, 1_500)))
        world.feed()
    world.bench.cluster._faults.clear()
    for _ in range(60):
        world.run(15 * SECOND if _ > 20 else SECOND)
        world.feed()
        attempts = world.bench.attempts()
        final = Counter(a["delivery_id"] for a in attempts if a["verdict"] in ("delivered", "dead"))
        if len(final) == len(world.expected):
            break
    assert Counter(world.expected) == final
    numbers = {}
    for attempt in attempts:
        numbers.setdefault(attempt["delivery_id"], []).append(attempt["number"])
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
    waits = sum(attempt["verdict"] == "retry" for attempt in attempts)
    assert waits == sum(len(world.bench.retries(tier)) for tier in TIERS)
    dead = [record.key().decode() for record in world.bench.dead()]
    assert sorted(dead) == sorted(a["delivery_id"] for a in attempts if a["verdict"] == "dead")
    assert world.early == []
    if not deadly:
        posts = Counter(world.bench.sender.event_ids)
        recorded = Counter(a["event_id"] for a in attempts if a["outcome"] != "none")
        assert posts == recorded
    assert [world.bench.lag(endpoint) for endpoint in world.endpoints] == [0] * len(LANES)
