"""The real workers on the twin, one after another where production has many processes."""

import random
from dataclasses import dataclass, field

from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.events import EventReader
from hooklane.adapters.in_turn import InTurn
from hooklane.adapters.schema_cache import SchemaCache
from hooklane.deliverer.crossing import SameThread
from hooklane.deliverer.outbox import Rules
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.worker import Deliverer, Ports
from hooklane.domain.errors import Fenced, Unavailable
from hooklane.domain.sources import Source, Sources
from hooklane.matcher.partitions import Surroundings as AroundMatcher
from hooklane.matcher.settings import MatcherSettings
from hooklane.matcher.worker import Matcher
from hooklane.replayer.resubmit import RejectedEvents
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings as AroundReplayer
from hooklane.replayer.worker import Replayer
from hooklane.retrier.housekeeping import Housekeeping
from hooklane.retrier.settings import RetrierSettings
from hooklane.retrier.surroundings import Surroundings as AroundRetrier
from hooklane.retrier.worker import Retrier
from simulation.cluster import Killed
from simulation.receivers import SimulatedSender
from simulation.world import SEALER, TIERS

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.2, 5.0


@dataclass(eq=False)
class Running:
    """One worker, as its process would run it: started, stepped, backing off, killed."""

    kind: str
    ordinal: int
    worker: object = None
    parts: dict = field(default_factory=dict)
    sender: object = None
    starts_at: float = 0.0
    backoff_s: float = BACKOFF_FIRST_S
    is_started: bool = False
    # Its seat in the group, and what that owned when it was killed.
    left: tuple = ()

    @property
    def name(self):
        return f"{self.kind}.{self.ordinal}"

    @property
    def is_alive(self):
        return self.worker is not None


class Workers:
    """Builds, steps and kills them; `settings` gives each kind's own, `wrap` may spoil a port."""

    def __init__(self, world, *, settings=None, wrap=lambda kind, name, port: port):
        self.world, self.settings, self.wrap = world, settings or {}, wrap
        self.watchers, self.lines, self.seed = [], [], 0
        self.current = None

    def log(self, what, /, *, level="info", **fields):
        self.lines.append((what, level, fields))

    def build(self, running):
        """Make a new process of it; nothing of an earlier one is left but its name."""
        self.seed += 1
        running.is_started, running.backoff_s, running.parts = False, BACKOFF_FIRST_S, {}
        running.worker = getattr(self, f"_{running.kind}")(running)

    def step(self, running):
        """Do one round, as the run loop does: wait for what is unavailable, end when fenced."""
        self.current = running
        try:
            if not running.is_started:
                running.worker.start()
                running.is_started = True
            running.worker.step()
            running.backoff_s = BACKOFF_FIRST_S
        except Unavailable:
            running.starts_at = self.world.clock.monotonic() + running.backoff_s
            running.backoff_s = min(running.backoff_s * 2, BACKOFF_MAX_S)
        except Fenced:
            self.kill(running)
        except BaseException:
            if running.is_alive:
                raise
        finally:
            self._unwound(running)

    def stop(self, running):
        """Send SIGTERM: it drains, then ends."""
        if not running.is_started:
            self.kill(running)
            return
        self.current = running
        try:
            running.worker.stop()
        except (Unavailable, Fenced):
            pass
        except BaseException:
            if running.is_alive:
                raise
        finally:
            self._unwound(running)
        self.kill(running)

    def _unwound(self, running):
        self.current = None
        if running.left:
            # A killed owner lets nothing go, whatever `finally` did on the way out.
            seat, owned = running.left
            seat.owned, running.left = owned, ()

    def kill(self, running):
        """End it as SIGKILL would."""
        member = running.parts.get("member")
        if self.current is running and member is not None and (seat := member._seat()):
            running.left = (seat, set(seat.owned))
        for part in running.parts.values():
            self.world.cluster.kill(part)
        if running.sender is not None:
            running.sender.die()
        running.worker = running.sender = None

    def kill_now(self):
        """End the worker that is calling, in the middle of its call."""
        self.kill(self.current)
        raise Killed

    # As each `__main__` would.

    def _part(self, running, name, port):
        running.parts[name] = port
        return self.wrap(running.kind, name, port)

    def _of(self, running, *names):
        """Make the ports that workers have, by name."""
        cluster, topics = self.world.cluster, self.world.topics
        instance = topics.transactional_id(running.kind, running.ordinal)
        group = topics.group("deliverer.0" if running.kind == "deliverer" else running.kind)
        _, second, third = topics.matcher_ids(running.ordinal)
        make = {
            "member": lambda: cluster.member(group=group, instance=instance),
            "producer": lambda: cluster.transactional_producer(transactional_id=instance),
            "second": lambda: cluster.transactional_producer(transactional_id=second),
            "third": lambda: cluster.transactional_producer(transactional_id=third),
            "writer": lambda: cluster.producer(instance=instance),
            "reader": lambda: cluster.reader(instance=instance),
            "kept": lambda: cluster.reader(instance=instance),
            "table": lambda: cluster.reader(instance=instance),
        }
        return [self._part(running, name, make[name]()) for name in names]

    def _table(self, reader):
        topic = self.world.topics.endpoints
        return EndpointTable(reader, topic, clock=self.world.clock, log=self.log)

    def _report(self, running, writer):
        topics = self.world.topics
        instance = topics.transactional_id(running.kind, running.ordinal)
        return PositionReport(writer, topics.positions, instance=instance, clock=self.world.clock)

    def _sources(self):
        return Sources((Source(pattern="events.*"),), prefix=self.world.topics.prefix)

    def _schemas(self, reader, writer):
        world = self.world
        return SchemaCache(
            reader, writer, topic=world.topics.schemas, ask=world.registry.known,
            clock=world.clock, log=self.log,
        )  # fmt: skip

    def _own(self, model, running):
        return model(ordinal=running.ordinal, **self.settings.get(running.kind, {}))

    def _matcher(self, running):
        world = self.world
        member, writer, reader, table, *producers = self._of(
            running, "member", "writer", "reader", "table", "producer", "second", "third"
        )
        sources, schemas = self._sources(), self._schemas(reader, writer)
        return Matcher(
            AroundMatcher(
                member=member,
                admin=world.admin,
                table=self._table(table),
                reader=EventReader(schemas, sources, clock=world.clock),
                clock=world.clock,
                log=self.log,
            ),
            producer=InTurn(producers),
            schemas=schemas,
            positions=self._report(running, writer),
            sources=sources,
            kafka=world.kafka,
            settings=self._own(MatcherSettings, running),
        )

    def _deliverer(self, running):
        world, topics = self.world, self.world.topics
        member, producer, writer, table, kept, commands = self._of(
            running, "member", "producer", "writer", "table", "kept", "reader"
        )
        running.sender = SimulatedSender(
            world.clock, world.receivers, self.watchers, owns=lambda p: _owns(member, p)
        )
        ports = Ports(
            member=member,
            producer=producer,
            positions=writer,
            admin=world.admin,
            table_reader=table,
            positions_reader=kept,
            commands_reader=commands,
            crossing=SameThread(running.sender),
            clock=self.wrap("deliverer", "clock", world.clock),
            log=self.log,
        )
        chance = random.Random(f"jitter {self.seed}")
        return Deliverer(
            ports,
            settings=self._own(DelivererSettings, running),
            rules=Rules(topics=topics, tiers=TIERS, chance=chance, sealer=SEALER),
            instance=topics.transactional_id("deliverer", running.ordinal),
            replication=1,
        )

    def _retrier(self, running):
        world = self.world
        member, producer, writer, table, commands, ahead = self._of(
            running, "member", "producer", "writer", "table", "reader", "kept"
        )
        around = AroundRetrier(
            member=member,
            producer=producer,
            admin=world.admin,
            table=self._table(table),
            positions=self._report(running, writer),
            commands=commands,
            ahead=ahead,
            clock=world.clock,
            log=self.log,
        )
        settings = self._own(RetrierSettings, running)
        return Retrier(
            around,
            topics=world.topics,
            tiers=TIERS,
            settings=settings,
            housekeeping=Housekeeping(around, settings=settings, replication=1),
        )

    def _replayer(self, running):
        world, topics = self.world, self.world.topics
        member, producer, writer, reader, kept, table = self._of(
            running, "member", "producer", "writer", "reader", "kept", "table"
        )
        schemas = self._schemas(kept, writer)
        around = AroundReplayer(
            member=member,
            producer=producer,
            reader=reader,
            schemas=schemas,
            rejected=RejectedEvents(
                topic=topics.rejected_events,
                reader=reader,
                admin=world.admin,
                events=EventReader(schemas, self._sources(), clock=world.clock),
                log=self.log,
            ),
            admin=world.admin,
            table=self._table(table),
            positions=self._report(running, writer),
            clock=world.clock,
            log=self.log,
        )
        return Replayer(
            around, topics=topics, settings=self._own(ReplayerSettings, running),
            cluster=world.kafka,
        )  # fmt: skip


def _owns(member, partition):
    seat = member._seat()
    return seat is not None and partition in seat.owned
