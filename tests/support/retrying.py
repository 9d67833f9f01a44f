"""A retrier on the twin: a cluster, a clock, and what tests put in and look at."""

from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.log import no_log
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.domain.delivery import Progress
from hooklane.domain.topics import Partition, PartitionCounts, Topics
from hooklane.retrier.housekeeping import Housekeeping
from hooklane.retrier.settings import RetrierSettings
from hooklane.retrier.surroundings import Surroundings
from hooklane.retrier.worker import Retrier
from support.deliveries import (
    START,
    an_endpoint,
    command_value,
    delivery_bytes,
    delivery_value,
    endpoint_bytes,
)

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TIERS = (5 * SECOND, 5 * MINUTE, HOUR)
GROUP = "t.retrier"


class RetrierBench:
    def __init__(self, *, tiers=TIERS, partitions=2, **settings):
        self.clock = ManualClock(START)
        self.cluster = Cluster(self.clock)
        counts = PartitionCounts(pool=2, retry=partitions, dead_letters=2, attempts=1, commands=1)
        self.topics = Topics(prefix="t", counts=counts)
        self.tiers = tiers
        self.settings = RetrierSettings(**settings)
        self.admin = self.cluster.admin()
        self.outside = self.cluster.producer(instance="outside")
        self.lines = []
        self.admin.ensure(self.topics.specs(tiers), replication=1)

    def log(self, what, /, *, level="info", **fields):
        self.lines.append({"what": what, "level": level, **fields})

    def endpoint(self, endpoint_id="ep_a", **fields):
        """Announce a revision, and make its lane."""
        lane = self.topics.lane(endpoint_id)
        endpoint = an_endpoint(endpoint_id, **{"lane": lane, **fields})
        if endpoint.placement is not None:
            self.admin.ensure([self.topics.lane_spec(lane)], replication=1)
        value, key = endpoint_bytes(endpoint), endpoint_id.encode()
        self.outside.produce(self.topics.endpoints, value, key=key)

    def wait(self, number=0, *, tier=TIERS[0], due_in=None, progress=None, **delivery):
        """Put a delivery in a tier; give its value."""
        value = delivery_value(number, **delivery)
        now = self.clock.now()
        if progress is None:
            begun = Progress(waiting_since=now).attempted(at=now, outcome="rejected")
            progress = begun.waiting(until=now + (tier if due_in is None else due_in))
        self.outside.produce(
            self.topics.retry(tier),
            delivery_bytes(value),
            key=value["delivery_id"].encode(),
            headers=progress.headers(),
        )
        return value

    def retrier(self, *, ordinal=0):
        """Start one, as its `__main__` would."""
        name = f"t.retrier.{ordinal}"
        made = self.cluster
        around = Surroundings(
            member=made.member(group=GROUP, instance=name),
            producer=made.transactional_producer(transactional_id=name),
            admin=self.admin,
            table=EndpointTable(
                made.reader(instance=name), self.topics.endpoints, clock=self.clock, log=no_log
            ),
            positions=PositionReport(
                made.producer(instance=name),
                self.topics.positions,
                instance=name,
                clock=self.clock,
            ),
            commands=made.reader(instance=name),
            ahead=made.reader(instance=name),
            clock=self.clock,
            log=self.log,
        )
        retrier = Retrier(
            around,
            topics=self.topics,
            tiers=self.tiers,
            settings=self.settings,
            housekeeping=Housekeeping(around, settings=self.settings, replication=1),
        )
        retrier.start()
        self.around = around
        return retrier

    def send_now(self, endpoint_id="ep_a", **fields):
        """Ask for what waits of an endpoint."""
        value = command_value("send_now", endpoint_id=endpoint_id, at=self.clock.now(), **fields)
        value = codec("command").encode(value)
        self.outside.produce(self.topics.commands, value, key=endpoint_id.encode())

    def kill(self):
        """End the newest retrier as SIGKILL would."""
        self.cluster.kill(self.around.member)
        self.cluster.kill(self.around.producer)

    def run(self, retrier, span):
        """Step until the clock moved so far."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            retrier.step()

    def records(self, topic):
        """Give what a read_committed reader sees of a topic."""
        count = self.admin.topics()[topic]
        found = []
        reader = self.cluster.reader(instance="checker")
        reader.start({Partition(topic, number): 0 for number in range(count)})
        while batch := reader.read(1_000, timeout=timedelta(0)):
            found += batch
        return found

    def lane(self, endpoint_id="ep_a"):
        return self.records(self.topics.lane(endpoint_id))

    def attempts(self):
        return [codec("attempt").decode(record.value()) for record in self.records("t.attempts")]

    def commits(self, tier=TIERS[0]):
        topic = self.topics.retry(tier)
        partitions = [Partition(topic, n) for n in range(self.topics.counts.retry)]
        return self.admin.committed(GROUP, partitions)
