"""Endpoints that share the pool's first partition, on the deliverer's bench."""

from hooklane.domain.delivery import Progress
from hooklane.domain.endpoint import Placement
from hooklane.domain.topics import Partition
from support.deliveries import delivery_bytes, delivery_value
from support.posting import SECOND, TOPICS, DelivererBench

POOL = Partition(TOPICS.pool, 0)


class PoolBench(DelivererBench):
    """Endpoints that share the pool's first partition."""

    def pooled(self, endpoint_id="ep_a", **fields):
        made = self.endpoint(endpoint_id, **fields)
        return self.change(made, placement=Placement(topic=POOL.topic, partition=0, epoch=1))

    def own(self, endpoint, **fields):
        """Move it to a lane of its own."""
        lane = TOPICS.lane(endpoint.endpoint_id, epoch=2)
        self.admin.ensure([TOPICS.lane_spec(lane)], replication=1)
        place = Placement(topic=lane, partition=0, epoch=2)
        return self.change(endpoint, placement=place, former=(endpoint.placement,), **fields)

    def pour(self, endpoint, count=1, not_before=None, **fields):
        """Append deliveries to the pool; give their event ids."""
        found = []
        for _ in range(count):
            value = delivery_value(self._number, endpoint_id=endpoint.endpoint_id, **fields)
            self._number += 1
            headers = Progress(waiting_since=self.clock.now(), not_before=not_before).headers()
            self.writer.produce(
                POOL.topic, delivery_bytes(value), key=b"k", headers=headers, partition=0
            )
            found.append(value["event_id"])
        self.writer.flush(SECOND)
        return found

    def left(self):
        """Say how much of the partition is not finished."""
        committed = self.admin.committed(TOPICS.group("deliverer.0"), [POOL])
        return self.admin.ends([POOL])[POOL][1] - committed[POOL].offset

    def to(self, endpoint):
        return [a for a in self.attempts() if a["endpoint_id"] == endpoint.endpoint_id]
