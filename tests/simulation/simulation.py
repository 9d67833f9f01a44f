"""One seed's run: who steps next, what breaks, how time goes on; then all is well, and drains."""

import random
from dataclasses import dataclass
from datetime import timedelta

from hooklane.domain.endpoint import Cause, EndpointState
from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from hooklane.domain.topics import Partition
from simulation import checkers
from simulation.ledger import Broken, Ledger
from simulation.workers import Running, Workers
from simulation.world import KINDS, World

ROUNDS = 800
DRAIN_ROUNDS_MAX = 20_000
IN_TRANSACTION = ("produce", "send_offsets", "commit")
# Small, so that a seed's few hundred deliveries reach every limit.
SETTINGS = {
    "matcher": {"read_records_max": 20, "transaction_records_max": 30},
    "deliverer": {
        "read_records_max": 20, "buffered_records_max": 30, "lane_buffered_records_max": 10,
        "held_records_max": 100, "in_flight_max": 12, "span_max": 100,
        "dead_letters_per_tick_max": 5, "lane_keep_s": 60,
    },
    "retrier": {
        "read_records_max": 20, "transaction_records_max": 20, "held_records_max": 100,
        "span_max": 50, "lane_keep_s": 60,
    },
    "replayer": {"read_records_max": 10, "transaction_records_max": 6, "ids_max": 5},
}  # fmt: skip


@dataclass(slots=True)
class Strike:
    """A blow that falls on the nth call of a kind, before its work or after."""

    what: str
    aim: str | None
    count: int
    after: bool

    def hits(self, name, after):
        if after is self.after and self.aim in (None, name):
            self.count -= 1
        return self.count <= 0


class Simulation:
    """Everything under one seed.

    Args:
        seed: what chance follows.
        wrap: may spoil a worker's port, to see that a checker notices.
        fault_share: how often, of all rounds, something breaks; None lets chance choose.
        drain_rounds_max: how long draining may take.
        settings: the workers'.
    """

    def __init__(
        self,
        seed,
        *,
        wrap=None,
        fault_share=None,
        drain_rounds_max=DRAIN_ROUNDS_MAX,
        settings=SETTINGS,
    ):
        self.chance = random.Random(f"scheduler {seed}")
        shares = [0.005, 0.02, 0.02, 0.05, 0.1]
        self.fault_share = self.chance.choice(shares) if fault_share is None else fault_share
        self.seed, self.drain_rounds_max = seed, drain_rounds_max
        self.world = world = World(seed)
        self.ledger = Ledger(world.topics, world.published)
        self.posts = checkers.Posts(self.ledger, world.clock)
        self.workers = Workers(world, settings=settings, **({"wrap": wrap} if wrap else {}))
        self.workers.watchers.append(self.posts)
        world.cluster.watchers.append(self.ledger)
        self.running = [Running(kind, 0) for kind in KINDS]
        self.strikes, self.stalled, self.down_until = [], [], None
        self.is_faulty = False
        self.quiet = self.told = 0
        self.events = []

    def run(self):
        self.begin()
        self.is_faulty = True
        for _ in range(ROUNDS):
            self.round()
        self.recover()
        self.drain()
        self.redrive_all()
        self.drain()
        self.check_end()

    # The phases.

    def begin(self):
        """Make the deployment's first start, with events that it does not see."""
        world = self.world
        world.cluster.meddle = self.meddle
        world.cluster.is_outside = lambda: self.workers.current is None
        for _ in range(3):
            world.publish()
        self.since = {log.place: log.end for topic in world.cluster.topics.values()
                      for log in topic.logs}  # fmt: skip
        world.on_append = self.ledger.appended
        for _ in range(3):
            world.add_endpoint()
        for running in self.running:
            self.workers.build(running)
        for _ in range(10):
            for running in self.running:
                self.workers.step(running)
                self.advance(timedelta(milliseconds=20))

    def round(self):
        chance, world = self.chance, self.world
        if self.is_faulty:
            if chance.random() < 0.06:
                for _ in range(chance.choice([1, 1, 2, 2, 12])):
                    world.publish()
            if chance.random() < 0.02:
                world.change_something()
            if chance.random() < 0.02:
                world.retire()
            if chance.random() < 0.03:
                world.places.tend()
            if world.places.chance.random() < 0.02:
                world.places.move()
            if chance.random() < 0.03 and world.endpoints:
                world.receivers.shift(f"{chance.choice(list(world.endpoints))[3:]}.example")
            if chance.random() < self.fault_share:
                self.break_something()
        self.step(chance.choice(self.running))
        world.obey()
        self.advance(timedelta(milliseconds=chance.choice([0, 1, 5, 20, 100])))
        self.jump_if_quiet()

    def recover(self):
        """End all trouble: faults, receivers, the registry, pauses."""
        world = self.world
        self.is_faulty, self.strikes = False, []
        world.cluster.up()
        world.registry.failure = None
        world.receivers.are_well = True
        for endpoint in list(world.endpoints.values()):
            if endpoint.state is EndpointState.PAUSED:
                world.change(endpoint, Cause.RESUME)
            # A lane stopped by a 410 that nobody obeyed starts again at any later revision.
            elif endpoint.state is EndpointState.DISABLED:
                world.change(endpoint, Cause.ENABLE)

    def drain(self):
        for number in range(self.drain_rounds_max):
            self.round()
            if number % 50 == 0 and self.is_drained():
                return
        checkers.check_drained(self.world.cluster, self.ledger)

    def redrive_all(self):
        for endpoint in list(self.world.endpoints.values()):
            if endpoint.state is EndpointState.ACTIVE:
                self.world.redrive(endpoint)

    def is_drained(self):
        return not checkers.lags(self.world.cluster, self.ledger) and self.commands_done()

    def commands_done(self):
        topics, cluster = self.world.topics, self.world.cluster
        log = cluster.log(Partition(topics.commands, 0))
        commits = cluster.groups[topics.group("replayer")].commits
        last = max((record.offset() for record in log.everything()), default=-1)
        return log.place in commits and commits[log.place].offset > last

    def check_end(self):
        ledger = self.ledger
        checkers.check_drained(self.world.cluster, ledger)
        checkers.check_receipts(ledger, since=self.since)
        checkers.check_copies(ledger)
        self.posts.check_taken()
        checkers.check_conservation(ledger, written_twice=checkers.written_twice(ledger))
        gaps = [line for line in self.workers.lines if line[0] in ("gap.found", "lane.gapped")]
        if gaps:
            raise Broken(f"gaps: {gaps}")
        alive = {e.endpoint_id for e in self.world.endpoints.values()
                 if e.state is EndpointState.ACTIVE}  # fmt: skip
        left = ledger.resting_of(alive)
        if left:
            raise Broken(f"redriven, and still dead: {left}")

    # One step, and time.

    def step(self, running):
        now = self.world.clock.monotonic()
        if running.starts_at > now or running in self.stalled:
            return
        if not running.is_alive:
            self.workers.build(running)
        self.workers.step(running)
        if running.is_alive:
            checkers.check_memory(running)
        if self.chance.random() < 0.003:
            twice = checkers.written_twice(self.ledger)
            checkers.check_conservation(self.ledger, written_twice=twice)

    def advance(self, span):
        cluster = self.world.cluster
        self.world.clock.advance(span)
        if self.down_until is not None and self.world.clock.monotonic() >= self.down_until:
            cluster.up()
            self.down_until = None

    def jump_if_quiet(self):
        """Go to the next timer where nothing happened for some rounds."""
        activity = (self.world.cluster.activity, self.posts.count)
        self.quiet = 0 if activity != self.told else self.quiet + 1
        self.told = activity
        if self.quiet > 4 * len(self.running):
            self.quiet = 0
            self.advance(self.next_timer())

    def next_timer(self):
        now, moment = self.world.clock.now(), self.world.clock.monotonic()
        timers = [
            due - now
            for (partition, offset), due in list(self.ledger.due.items())
            if offset in self.ledger.open[partition]
        ]
        dues = [r.sender.next_due for r in self.running if r.sender is not None]
        starts = [r.starts_at for r in self.running]
        timers += [timedelta(seconds=due - moment) for due in (*dues, *starts) if due is not None]
        ahead = [span for span in timers if span > timedelta(0)]
        longest = timedelta(seconds=self.chance.choice([1, 5, 30]))
        return min([*ahead, longest]) + timedelta(milliseconds=1)

    # What breaks.

    def break_something(self):
        chance, cluster, clock = self.chance, self.world.cluster, self.world.clock
        running = chance.choice(self.running)
        match chance.randrange(9):
            case 0:
                self.note("kill", running)
                self.end(running, how=self.workers.kill)
            case 1 | 2:
                self.strikes.append(self.strike("kill"))
            case 3:
                self.note("stop", running)
                self.end(running, how=self.workers.stop)
            case 4:
                self.note("expel", running)
                if running.is_alive:
                    cluster.expel(running.parts["member"])
            case 5:
                self.down_until = clock.monotonic() + chance.choice([0.1, 1, 8, 15])
                cluster.down()
            case 6:
                self.scale()
            case 7:
                self.strikes.append(self.strike("stall"))
            case _:
                self.trouble_around()

    def trouble_around(self):
        world = self.world
        match self.chance.randrange(3):
            case 0:
                world.registry_trouble()
            case 1:
                if world.registry.failure is None:
                    world.new_version()
            case _:
                topics = world.topics
                world.cluster.compact(
                    self.chance.choice([topics.endpoints, topics.dead_letters, topics.schemas])
                )

    def end(self, running, *, how):
        if running.is_alive:
            how(running)
        running.starts_at = self.world.clock.monotonic() + self.chance.choice([0, 0.5, 3, 8, 15])

    def scale(self):
        """Let a second one of a kind join, or the second leave."""
        kind = self.chance.choice(KINDS)
        second = [r for r in self.running if r.kind == kind and r.ordinal == 1]
        for running in second:
            self.note("leave", running)
            if running.is_alive:
                self.workers.stop(running)
            self.running.remove(running)
        if not second:
            self.running.append(Running(kind, 1))

    def meddle(self, name, after):
        """Do something inside a worker's call, now and then."""
        running = self.workers.current
        if running is None:
            return
        chance = self.chance
        if chance.random() < 0.05:
            # Answers come in while the poll thread is busy.
            self.advance(timedelta(milliseconds=chance.choice([1, 10, 60])))
        if not self.is_faulty:
            return
        for strike in self.strikes:
            if strike.hits(name, after):
                self.strikes.remove(strike)
                self.note(f"{strike.what} in {name}, after={after},", running)
                self.kill(running) if strike.what == "kill" else self.stall(running)
                break
        if chance.random() < self.fault_share / 10:
            self.fail(name, after, running)

    def strike(self, what):
        """Choose where it will be: the nth call from now, or the nth of one kind."""
        aims = [None, *IN_TRANSACTION, "begin", "commit_offsets", "committed"]
        aim = self.chance.choice(aims)
        count = self.chance.randrange(1, 60 if aim is None else 8)
        return Strike(what, aim, count, after=self.chance.random() < 0.5)

    def kill(self, running):
        """End the worker in the middle of its call."""
        running.starts_at = self.world.clock.monotonic() + self.chance.choice([0, 3, 15])
        self.workers.kill_now()

    def stall(self, running):
        """Stop a worker's whole machine; when it wakes, others may have its partitions."""
        chance = self.chance
        if running.sender is not None:
            running.sender.stall()
        if chance.random() < 0.7:
            self.world.cluster.expel(running.parts["member"])
        self.stalled.append(running)
        self.workers.current = None
        for _ in range(chance.choice([0, 10, 60])):
            self.step(chance.choice(self.running))
            self.advance(timedelta(milliseconds=250))
        self.workers.current = running
        self.stalled.remove(running)
        if running.sender is not None:
            running.sender.go_on()

    def fail(self, name, after, running):
        if after:
            if name == "commit" and self.chance.random() < 0.3:
                raise Fenced("simulated, after the commit")
            return
        self.note(f"fail {name}", running)
        if name in IN_TRANSACTION:
            raise TransactionAborted("simulated")
        if name not in ("open", "begin", "abort"):
            raise Unavailable("simulated")

    def note(self, what, running):
        at = self.world.clock.monotonic()
        self.events.append(f"{at:10.3f} {what} {running.name}")
