"""Counted in a simulation: what a delivery that never succeeds costs, and that none is early.

A receiver that always fails stands for the deliverer's other side; what follows from its answers is
the domain's own verdict. The retrier is the real one, on the twin, and time jumps to what is next.
"""

import random
from collections import Counter
from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.attempt import AttemptResult, Outcome
from hooklane.domain.delivery import Progress, progress_of
from hooklane.domain.errors import TransactionAborted, Unavailable
from hooklane.domain.retry import DEFAULT_SCHEDULE, DEFAULT_TIERS, HOPS_MAX
from hooklane.domain.topics import Partition
from hooklane.domain.verdict import RetryAt, judge
from support.retrying import RetrierBench

TICK = timedelta(milliseconds=100)
# Before a jump's end there is time for a restart, a rebalance and the reading of a tier's head.
SLOWLY_BEFORE = timedelta(seconds=15)
STEPS_MAX = 60_000
# What was written is counted in the logs at the end.
NEVER_TRIMMED_S = 10**8
ENDPOINTS = ("ep_a", "ep_b", "ep_c")


class Failing:
    """Attempts whatever comes into the lanes, always in vain."""

    def __init__(self, bench, *, seed, retry_after=None):
        self.bench, self.chance, self.retry_after = bench, random.Random(seed), retry_after
        self.reader = bench.cluster.reader(instance="failing")
        self.reader.start({Partition(bench.topics.lane(e), 0): 0 for e in ENDPOINTS})
        self.due, self.in_lane, self.written, self.dead = {}, Counter(), Counter(), set()

    def attempt_all(self):
        now = self.bench.clock.now()
        for record in self.reader.read(1_000, timeout=timedelta(0)):
            value = codec("delivery").decode(record.value())
            delivery, progress = value["delivery_id"], progress_of(record.headers())
            assert progress.not_before is None or now >= progress.not_before, "too early"
            self.in_lane[delivery] += 1
            self.due.pop(delivery, None)
            self.fail(record, delivery, progress)

    def fail(self, record, delivery, progress):
        now = self.bench.clock.now()
        result = AttemptResult(
            outcome=Outcome.REJECTED, status=503, retry_after=self.retry_after, at=now
        )
        judged = judge(
            result,
            schedule=DEFAULT_SCHEDULE,
            step=progress.schedule_step,
            tiers=DEFAULT_TIERS,
            chance=self.chance,
        )
        attempted = progress.attempted(at=now, outcome="rejected")
        if not isinstance(judged.verdict, RetryAt):
            self.dead.add(delivery)
            return
        tier, due = judged.verdict.tier, judged.verdict.due_at
        self.due[delivery] = due
        self.written[delivery, progress.schedule_step] += 1
        self.bench.outside.produce(
            self.bench.topics.retry(tier),
            record.value(),
            key=delivery.encode(),
            headers=attempted.waiting(until=due).headers(),
        )


class Simulation:
    def __init__(self, *, seed, count=12, retry_after=None):
        self.bench = bench = RetrierBench(
            tiers=DEFAULT_TIERS, partitions=2, lane_keep_s=NEVER_TRIMMED_S
        )
        self.chance = random.Random(seed)
        for endpoint_id in ENDPOINTS:
            bench.endpoint(endpoint_id)
        self.failing = Failing(bench, seed=seed, retry_after=retry_after)
        self.deliveries = set()
        for number in range(count):
            endpoint_id = self.chance.choice(ENDPOINTS)
            value = bench.wait(number, endpoint_id=endpoint_id, progress=self.fresh())
            self.deliveries.add(value["delivery_id"])
        self.retrier = bench.retrier()

    def fresh(self):
        """Begin in the first tier: the simulation's own first write, due at once when over."""
        now = self.bench.clock.now()
        return Progress(waiting_since=now, not_before=now, hops=1)

    def run(self, *, fault_share=0.0):
        for _ in range(STEPS_MAX):
            if self.failing.dead == self.deliveries:
                return
            self.step(fault_share)
            self.failing.attempt_all()
            self.jump()
        raise AssertionError(f"{len(self.failing.dead)} of {len(self.deliveries)} are dead")

    def step(self, fault_share):
        if self.chance.random() < fault_share:
            self.break_something()
        try:
            self.retrier.step()
        except Unavailable:
            self.bench.clock.advance(TICK)

    def break_something(self):
        cluster = self.bench.cluster
        kind = self.chance.choice(["kill", "expel", "abort", "consume", "committed"])
        if kind == "kill":
            self.bench.kill()
            self.retrier = self.bench.retrier()
        elif kind == "expel":
            cluster.expel(self.bench.around.member)
        elif kind == "abort":
            operation = self.chance.choice(["produce", "send_offsets", "commit"])
            cluster.fail_next(operation, TransactionAborted("simulated"))
        else:
            cluster.fail_next(kind, Unavailable("simulated"))

    def jump(self):
        """Go on to just before the retrier has something to do."""
        tiers, shelf = self.retrier._tiers, self.retrier._shelf
        stops = [tier.stopped_until for tier in tiers.assigned.values()]
        due = list(self.failing.due.values())
        nexts = [at for at in (*stops, shelf.next_at(), *due) if at is not None]
        now = self.bench.clock.now()
        ahead = [at for at in nexts if at > now]
        if ahead and (span := min(ahead) - SLOWLY_BEFORE - now) > timedelta(0):
            self.bench.clock.advance(span)

    def tier_counts(self):
        found = Counter()
        for tier in DEFAULT_TIERS:
            for record in self.bench.records(self.bench.topics.retry(tier)):
                progress = progress_of(record.headers())
                if progress.attempts_made:
                    found[tier, record.key().decode(), progress.schedule_step] += 1
        return found


@pytest.mark.parametrize("seed", range(3))
def test_a_step_costs_one_write_and_one_copy(seed):
    """The default schedule exhausted: nine tiers, each once; nine copies; nothing early."""
    simulation = Simulation(seed=seed)

    simulation.run()

    steps = len(DEFAULT_SCHEDULE)
    expected = {
        (delay, delivery, step + 1): 1
        for delivery in simulation.deliveries
        for step, delay in enumerate(DEFAULT_SCHEDULE)
    }
    assert simulation.tier_counts() == expected
    assert set(simulation.failing.in_lane.values()) == {steps + 1}


@pytest.mark.parametrize("seed", range(6))
def test_faults_cost_no_copy_and_make_none_early(seed):
    """Kills, lost memberships, aborts and silent brokers: the same counts under any seed."""
    simulation = Simulation(seed=seed, count=6)

    simulation.run(fault_share=0.03)

    steps = len(DEFAULT_SCHEDULE)
    assert set(simulation.tier_counts().values()) == {1}
    assert len(simulation.tier_counts()) == steps * len(simulation.deliveries)
    assert set(simulation.failing.in_lane.values()) == {steps + 1}


@pytest.mark.parametrize("retry_after", ["400", "7000", "50000"])
def test_a_retry_after_costs_three_writes_a_step_at_most(retry_after):
    """And is never attempted before it is over."""
    simulation = Simulation(seed=1, count=4, retry_after=retry_after)

    simulation.run()

    writes_a_step = Counter()
    for (_, delivery, step), count in simulation.tier_counts().items():
        writes_a_step[delivery, step] += count
    assert max(writes_a_step.values()) <= HOPS_MAX
    assert set(simulation.failing.in_lane.values()) == {len(DEFAULT_SCHEDULE) + 1}
