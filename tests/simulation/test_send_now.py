"""Send now under faults: each of the endpoint's once, the others stay, nothing comes twice."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import progress_of, to_ms
from hooklane.domain.errors import TransactionAborted, Unavailable
from hooklane.domain.topics import Partition
from support.retrying import HOUR, MINUTE, SECOND, RetrierBench

TICK = timedelta(milliseconds=100)
STEPS_MAX = 3_000


class Killed(BaseException):
    """Unwinds a killed retrier's call."""


class Simulation:
    """One seed: endpoints' retries lie mixed in two tiers, some are asked for, things break."""

    def __init__(self, *, seed, count, partitions=2, endpoints=4, **settings):
        self.chance = random.Random(seed)
        self.bench = bench = RetrierBench(
            partitions=partitions, tiers=(5 * MINUTE, HOUR), lane_keep_s=10**8, **settings
        )
        self.endpoints = [f"ep_{number}" for number in range(endpoints)]
        for endpoint_id in self.endpoints:
            bench.endpoint(endpoint_id)
        self.written, self.cutoffs, self.number = {}, {}, 0
        self.write(count)
        self.retrier = bench.retrier()

    def write(self, count):
        for _ in range(count):
            tier = self.chance.choice([5 * MINUTE, HOUR])
            endpoint_id = self.chance.choice(self.endpoints)
            jitter = timedelta(seconds=self.chance.choice([0, 1, 59]))
            due_in = tier + jitter
            value = self.bench.wait(self.number, tier=tier, due_in=due_in, endpoint_id=endpoint_id)
            now = self.bench.clock.now()
            self.written[value["delivery_id"]] = (endpoint_id, to_ms(now), to_ms(now + due_in))
            self.number += 1

    def send_now(self, endpoint_id):
        self.bench.send_now(endpoint_id)
        self.cutoffs[endpoint_id] = to_ms(self.bench.clock.now())

    def run(self, span, *, fault_share=0.0):
        until = self.bench.clock.now() + span
        while self.bench.clock.now() < until:
            try:
                if self.chance.random() < fault_share:
                    self.break_something()
                self.retrier.step()
            except Unavailable:
                self.bench.clock.advance(TICK)
            except Killed:
                self.restart()
        # A blow that is still to come is meant for the retrier.
        self.bench.cluster._faults.clear()

    def break_something(self):
        cluster = self.bench.cluster
        match self.chance.randrange(6):
            case 0:
                self.restart()
            case 1:
                cluster.expel(self.bench.around.member)
            case 2:
                name = self.chance.choice(["produce", "send_offsets", "commit"])
                cluster.fail_next(name, TransactionAborted("simulated"))
            case 3:
                name = self.chance.choice(["begin", "send_offsets", "commit", "commit_offsets"])
                cluster.fail_next(name, Killed(), after=self.chance.random() < 0.5)
            case _:
                name = self.chance.choice(["consume", "committed", "read", "ends", "admin"])
                cluster.fail_next(name, Unavailable("simulated"))

    def restart(self):
        self.bench.kill()
        while True:
            try:
                self.retrier = self.bench.retrier()
            except (Unavailable, Killed):
                self.bench.clock.advance(TICK)
            else:
                return

    def copies(self):
        """Give every copy in the lanes: its delivery, when, and its `not-before`."""
        return [
            (
                codec("delivery").decode(record.value())["delivery_id"],
                record.timestamp()[1],
                to_ms(progress_of(record.headers()).not_before),
            )
            for endpoint_id in self.endpoints
            for record in self.bench.lane(endpoint_id)
        ]

    def check(self):
        """Each at most once; early only what was asked for; all that was asked for is there."""
        copies = self.copies()
        assert {count for _, count in Counter(one for one, _, _ in copies).items()} <= {1}
        for delivery_id, at, not_before in copies:
            endpoint_id, appended, due = self.written[delivery_id]
            asked = appended <= self.cutoffs.get(endpoint_id, -1)
            assert at >= not_before
            assert asked or at >= due
        return {delivery_id for delivery_id, _, _ in copies}

    def asked(self):
        return {
            delivery_id
            for delivery_id, (endpoint_id, appended, _) in self.written.items()
            if appended <= self.cutoffs.get(endpoint_id, -1)
        }


@pytest.mark.parametrize("seed", range(12))
def test_each_of_the_released_goes_once_and_the_others_stay(seed):
    """Kills inside transactions, lost memberships, aborts, silence: the same under any seed."""
    simulation = Simulation(seed=seed, count=300)
    simulation.run(2 * SECOND)
    simulation.send_now("ep_0")
    simulation.run(10 * SECOND, fault_share=0.1)
    simulation.write(60)
    simulation.send_now("ep_1")
    if seed % 2:
        simulation.send_now("ep_0")
    simulation.write(40)
    simulation.run(15 * SECOND, fault_share=0.1)
    simulation.run(30 * SECOND)

    assert simulation.check() == simulation.asked()

    for _ in range(3):
        simulation.bench.clock.advance(2 * MINUTE)
        simulation.run(30 * SECOND, fault_share=0.05)
    for _ in range(8):
        simulation.bench.clock.advance(10 * MINUTE)
        simulation.run(60 * SECOND, fault_share=0.02)
    simulation.run(30 * SECOND)
    assert simulation.check() == set(simulation.written)


def test_a_release_reaches_past_what_a_commit_can_span():
    """Of 2,200 records 200 are asked for, with a span of 50: they go, and the heirs know."""
    simulation = Simulation(
        seed=1, count=2_200, partitions=1, endpoints=11, span_max=50, transaction_records_max=100
    )
    simulation.run(2 * SECOND)
    simulation.send_now("ep_0")
    simulation.run(10 * SECOND, fault_share=0.2)
    simulation.run(20 * SECOND)
    assert simulation.check() == simulation.asked()

    for _ in range(12):
        simulation.bench.clock.advance(6 * MINUTE)
        simulation.run(30 * SECOND, fault_share=0.02)
    simulation.run(30 * SECOND)

    assert simulation.check() == set(simulation.written)
    parts = [Partition("t.retry.1h", 0), Partition("t.retry.5m", 0)]
    commits = simulation.bench.admin.committed("t.retrier", parts)
    assert [";r=" in commit.metadata for commit in commits.values()] == [False, False]


def test_more_than_sixteen_endpoints_wait_their_turn():
    """What a commit can't tell yet goes later, at the latest when it is due."""
    simulation = Simulation(seed=2, count=600, partitions=1, endpoints=20)
    simulation.run(2 * SECOND)
    for endpoint_id in simulation.endpoints:
        simulation.send_now(endpoint_id)
    simulation.run(20 * SECOND, fault_share=0.1)
    simulation.run(10 * SECOND)
    gone = simulation.check()
    assert len(gone) > 450

    for _ in range(8):
        simulation.bench.clock.advance(10 * MINUTE)
        simulation.run(60 * SECOND)

    assert simulation.check() == set(simulation.written)
