"""The laws of ordered endpoints, watched from outside: what is POSTed, answered and committed."""

from collections import defaultdict

from hooklane.adapters.codec import codec
from hooklane.adapters.http.port import Outcome
from hooklane.deliverer.batching import Batched
from hooklane.domain.delivery import from_ms
from hooklane.domain.endpoint import Order
from hooklane.domain.topics import Partition
from simulation.ledger import Broken

_decode = codec("delivery").decode


def key_of(delivery):
    source = delivery["source"]
    return delivery["endpoint_id"], source["topic"], source["partition"], delivery["key"]


class Orders:
    """Watches senders and the cluster.

    Args:
        ledger: what is open, as committed.
        cluster: where the lanes are.
        settled: `settled(lane, offset)` tells whether the lane's owner has settled it.
    """

    def __init__(self, ledger, cluster, clock, *, settled):
        self._ledger, self._cluster, self._clock = ledger, cluster, clock
        self._settled = settled
        # By key: the lane offsets that were first answered 2xx, in the order of those answers.
        self.successes = defaultdict(list)
        self._open = defaultdict(set)
        self._keys, self._owned = {}, set()
        self._numbers, self._due = defaultdict(int), {}
        self.posts = self.parked = 0

    def posted(self, request, *, by_owner):
        flight = request.context
        if not self._is_ordered(flight) or not by_owner:
            return
        self.posts += 1
        key, offset = key_of(flight.delivery), flight.record.offset()
        open_ones = self._open[flight.lane, key]
        if open_ones:
            raise Broken(f"{key}: {offset} was POSTed while {open_ones} is open")
        open_ones.add(offset)
        self._owned.add(request)
        place = Partition(flight.record.topic(), flight.record.partition())
        for before in self._ledger.open[place]:
            is_earlier = before < offset and self._key_at(place, before) == key
            if is_earlier and not self._settled(flight.lane, before):
                raise Broken(f"{key}: {offset} was POSTed, and {before} is not finished")
        due = self._due.get(flight.delivery["delivery_id"])
        if due is not None and self._clock.now() < due:
            raise Broken(f"{key}: {offset} was POSTed before {due}")

    def answered(self, request, answer):
        if request not in self._owned:
            return
        self._owned.remove(request)
        flight = request.context
        key, offset = key_of(flight.delivery), flight.record.offset()
        self._open[flight.lane, key].discard(offset)
        if answer.outcome is Outcome.SUCCEEDED and offset not in self.successes[key]:
            self.successes[key].append(offset)
            if self.successes[key] != sorted(self.successes[key]):
                raise Broken(f"{key}: answered 2xx in the order {self.successes[key]}")

    def transaction(self, by, records, offsets):
        for record in records:
            if record.topic() != self._ledger.topics.attempts:
                continue
            value = codec("attempt").decode(record.value())
            delivery = value["delivery_id"]
            if value["outcome"] == "none" or self._ledger.fanned[delivery] > 1:
                continue
            if value["number"] != self._numbers[delivery] + 1:
                raise Broken(
                    f"{delivery}: attempt {value['number']} after {self._numbers[delivery]}"
                )
            self._numbers[delivery] = value["number"]
            self._due.pop(delivery, None)
            if value["verdict"] == "retry" and value["tier_s"] is None:
                self.parked += 1
                self._due[delivery] = from_ms(value["due_at"])

    def commits(self, group, commits):
        """Take in nothing: it finishes no delivery."""

    def _is_ordered(self, flight):
        if isinstance(flight, Batched):
            return False
        return flight.plan.endpoint.order is Order.KEY and flight.delivery["key"] is not None

    def _key_at(self, place, offset):
        if (place, offset) not in self._keys:
            record = self._cluster.log(place).read(offset, 1)[0][0]
            assert record.offset() == offset
            self._keys[place, offset] = key_of(_decode(record.value()))
        return self._keys[place, offset]
