"""Double-entry accounts of every delivery, kept from what becomes visible and nothing else.

Each committed transaction takes deliveries out of places (a lane, a tier, the dead letters, an
event not yet matched) and puts them into others (or into the end: delivered, cancelled). What it
takes and what it puts must be the same, delivery by delivery: so nothing is lost and nothing
doubled, at any moment and not only in the end. The ledger knows the protocol and no worker.
"""

from collections import Counter, defaultdict

from hooklane.adapters.codec import codec
from hooklane.adapters.records import endpoint_of
from hooklane.domain.delivery import progress_of
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.ids import delivery_id
from hooklane.domain.offsets import finished_in
from hooklane.domain.topics import Partition


class Broken(AssertionError):
    """A promise was broken; the text says which, and by what."""


class Ledger:
    """Watches a cluster (`simulation.cluster`); `published` is what producers know."""

    def __init__(self, topics, published):
        self.topics, self.published = topics, published
        # By partition: the delivery id of every record that is not finished; and those that are.
        self.open = defaultdict(dict)
        self.closed = defaultdict(set)
        self.resting = {}
        self.delivered, self.cancelled = Counter(), Counter()
        self.receipts, self.rejected = {}, {}
        # By place: the last part of an event that is not all done, and the last id in it.
        self.parts = {}
        # By delivery id: the bytes it was fanned out as; several where its event was written twice.
        self.values = defaultdict(set)
        self.endpoint_of, self._ids = {}, {}
        self.endpoints = []
        self.due = {}
        # How often a delivery was fanned out, written to a tier, ended in one, redriven, in lanes.
        self.fanned, self.retried, self.ended = Counter(), Counter(), Counter()
        # And copied from the pool to another lane.
        self.moved = Counter()
        self.redriven, self.in_lanes, self.hopped = Counter(), Counter(), Counter()

    # What the cluster tells.

    def transaction(self, by, records, offsets):
        taken, put, fanned = Counter(), Counter(), Counter()
        matched, finished = set(), set()
        for (_, partition), committed in offsets.items():
            for offset in self._finish(partition, committed, by=by):
                delivery = self.open[partition].pop(offset)
                finished.add((partition, offset))
                if delivery is not None:
                    taken[delivery] += 1
        for record in records:
            before = sum(self.cancelled.values())
            if ".matcher." in by and self.is_lane(record.topic()):
                self.values[self._delivery_of(record)].add(record.value())
            self._take_in(record, taken, put, fanned=fanned, matched=matched, finished=finished)
            ends = record.topic() == self.topics.dead_letters or before < sum(
                self.cancelled.values()
            )
            if ends and ".retrier." in by:
                self.ended[record.key().decode()] += 1
        self._balance(by, taken, put, fanned=fanned)
        events = {(p, o) for p, o in finished if p.topic.startswith("events.")}
        if events != matched:
            raise Broken(f"{by} finished events {events ^ matched} without receipt, or reverse")
        self._balance_attempts(by, records, finished)

    def commits(self, group, commits):
        """Take in what was committed outside a transaction: it may finish no delivery."""
        for partition, committed in commits.items():
            done = [
                (offset, self.open[partition][offset])
                for offset in self._finish(partition, committed, by=group)
            ]
            if done:
                raise Broken(f"{group} committed {done} of {partition} finished, with no record")

    def appended(self, partition, offset):
        """Learn that a producer appended an event."""
        self.open[partition][offset] = None

    # The accounts.

    def _finish(self, partition, committed, *, by):
        above = set(finished_in(committed))
        reopened = [
            offset
            for offset in self.closed[partition]
            if offset >= committed.offset and offset not in above
        ]
        if reopened:
            raise Broken(f"{by} opened {partition} {reopened} again with {committed}")
        done = [o for o in self.open[partition] if o < committed.offset or o in above]
        self.closed[partition] = {o for o in self.closed[partition] if o >= committed.offset}
        self.closed[partition].update(o for o in done if o >= committed.offset)
        return done

    def _take_in(self, record, taken, put, *, fanned, matched, finished):
        topic, key = record.topic(), record.key() or b""
        if topic == self.topics.endpoints:
            tombstone = record.value() is None
            endpoint = None if tombstone else endpoint_of(codec("endpoint").decode(record.value()))
            self.endpoints.append((record.offset(), key.decode(), endpoint))
        elif topic == self.topics.matches:
            value = codec("match").decode(record.value())
            source = value["source"]
            place = Partition(source["topic"], source["partition"]), source["offset"]
            is_last = place in finished
            if is_last:
                matched.add(place)
            self._receipt(place, value, fanned, is_last=is_last)
        elif topic == self.topics.rejected_events:
            self._rejection(record, matched)
        elif topic == self.topics.attempts:
            self._attempt(codec("attempt").decode(record.value()), put)
        elif topic == self.topics.dead_letters:
            self._dead_letter(record, key.decode(), taken, put)
        elif self.is_lane(topic) or topic.startswith(f"{self.topics.prefix}.retry."):
            self._waiting(record, put)

    def _waiting(self, record, put):
        delivery, progress = self._delivery_of(record), progress_of(record.headers())
        self._same_bytes(delivery, record.value())
        partition = Partition(record.topic(), record.partition())
        put[delivery] += 1
        self.open[partition][record.offset()] = delivery
        if self.is_lane(record.topic()):
            self.in_lanes[delivery] += 1
        elif progress.hops <= 1:
            self.retried[delivery] += 1
        else:
            self.hopped[delivery] += 1
        if progress.not_before is not None:
            self.due[partition, record.offset()] = progress.not_before

    def _dead_letter(self, record, delivery, taken, put):
        if record.value() is None:
            if self.resting.pop(delivery, None) is None:
                raise Broken(f"{delivery} was redriven, but did not rest")
            taken[delivery] += 1
            self.redriven[delivery] += 1
            return
        self._same_bytes(delivery, record.value())
        put[delivery] += 1
        self.resting[delivery] = record.offset()

    def _attempt(self, value, put):
        delivery = value["delivery_id"]
        if value["verdict"] == "delivered":
            put[delivery] += 1
            self.delivered[delivery] += 1
        elif value["verdict"] == "cancelled":
            put[delivery] += 1
            self.cancelled[delivery] += 1

    def _delivery_of(self, record):
        if (known := self._ids.get(record.value())) is None:
            value = codec("delivery").decode(record.value())
            known = self._ids[record.value()] = value["delivery_id"]
            self.endpoint_of[known] = value["endpoint_id"]
        return known

    def _same_bytes(self, delivery, value):
        if value not in self.values[delivery]:
            raise Broken(f"the record of {delivery} changed its bytes")

    def _balance(self, by, taken, put, *, fanned):
        taken = taken + fanned
        # Copies of an event that its producer wrote twice may die as one.
        for delivery in taken.keys() | put.keys():
            if taken[delivery] != put[delivery]:
                raise Broken(
                    f"{by} took {delivery} {taken[delivery]} times out of a place "
                    f"and put it {put[delivery]} times into one"
                )

    def is_lane(self, topic):
        """Tell whether deliveries wait there for their deliverer."""
        return self.topics.is_lane(topic) or topic == self.topics.pool

    def lanes(self):
        """Give the topics that the table says are read for somebody."""
        table = {key: endpoint for _, key, endpoint in self.endpoints}
        places = [
            place
            for endpoint in table.values()
            if endpoint is not None
            for place in (endpoint.placement, *endpoint.former)
        ]
        return {place.topic for place in places if place is not None}

    def _balance_attempts(self, by, records, finished):
        """A deliverer's tick has one Attempt for each delivery that it finishes, or parks.

        But for those in the pool that it copies to another lane, or passes on to a tier untried.
        """
        count = sum(1 for p, _ in finished if self.is_lane(p.topic))
        attempts = 0
        for record in records:
            if self.is_lane(record.topic()) and ".deliverer." in by:
                attempts += 1
                self.moved[self._delivery_of(record)] += 1
            elif record.topic().startswith(f"{self.topics.prefix}.retry."):
                # With an Attempt of its own, or with none.
                attempts += 1
            if record.topic() == self.topics.attempts:
                value = codec("attempt").decode(record.value())
                attempts += value["verdict"] != "retry"
        if count != attempts and ".deliverer." in by:
            raise Broken(f"{by} finished {count} deliveries with {attempts} Attempts")

    # Events.

    def _receipt(self, place, value, fanned, *, is_last):
        """Take in a receipt, or a part of one; the transaction passes the event with its last."""
        event = self.published[place]
        first = self.parts.pop(place, None)
        last_id = "" if first is None else first[1]
        if place in self.receipts or place in self.rejected:
            raise Broken(f"the event at {place} has two receipts")
        said = (value["tenant"], value["type"], value["key"])
        if said != (event.tenant, event.event_type, event.key) or event.n is None:
            raise Broken(f"the event at {place} is {event}, its receipt says {said}")
        if value["part"] != (0 if first is None else first[0] + 1):
            raise Broken(f"part {value['part']} of the event at {place} came after {first}")
        table_offset = value["table_offset"]
        if table_offset < event.table_offset_min:
            raise Broken(f"{place} was matched at {table_offset}, told was {event}")
        expected = {one for one in self.matching(event, table_offset) if one > last_id}
        if is_last:
            self.receipts[place] = value
        else:
            listed = [*value["matched"], *(one["endpoint_id"] for one in value["refused"])]
            last_id = max(listed)
            self.parts[place] = value["part"], last_id
            expected = {one for one in expected if one <= last_id}
        if set(value["matched"]) != expected:
            raise Broken(f"{place}: {value['matched']} get it, {expected} should")
        for endpoint_id in value["matched"]:
            made = delivery_id(event_id=value["event_id"], endpoint_id=endpoint_id, trigger="event")
            fanned[made] += 1
            self.fanned[made] += 1

    def matching(self, event, table_offset):
        """Say who gets an event, by the table's records below an offset."""
        table = {key: e for offset, key, e in self.endpoints if offset < table_offset}
        return {
            endpoint.endpoint_id
            for endpoint in table.values()
            if endpoint is not None
            and endpoint.tenant == event.tenant
            and endpoint.state in (EndpointState.ACTIVE, EndpointState.PAUSED)
            and any(_fits(p, event.event_type) for p in endpoint.subscription.patterns)
        }

    def _rejection(self, record, matched):
        topic, partition, offset = record.key().decode().rsplit("/", 2)
        place = Partition(topic, int(partition)), int(offset)
        if place not in self.published:
            raise Broken(f"a record of ours was rejected: {record.headers()}")
        reason = dict(record.headers())["rejected-reason"]
        if self.published[place].n is not None and reason != b"failed_twice":
            raise Broken(f"the event at {place} was rejected: {record.headers()}")
        if place in self.receipts or place in self.rejected:
            raise Broken(f"the event at {place} was rejected and has a receipt")
        self.rejected[place] = reason
        matched.add(place)

    # What checkers ask.

    def places(self):
        """Give each delivery's places now, in their order of precedence."""
        found = defaultdict(lambda: defaultdict(int))
        for partition, records in self.open.items():
            word = "in lane" if self.is_lane(partition.topic) else "waiting"
            for delivery in records.values():
                if delivery is not None:
                    found[delivery][word] += 1
        for delivery in self.resting:
            found[delivery]["dead"] += 1
        for word, counts in (("delivered", self.delivered), ("cancelled", self.cancelled)):
            for delivery, count in counts.items():
                found[delivery][word] += count
        return found

    def resting_of(self, endpoint_ids):
        """Give the dead letters of these endpoints."""
        return [d for d in self.resting if self.endpoint_of[d] in endpoint_ids]


def _fits(pattern, event_type):
    # Not the domain's own rule, which is what is checked.
    if pattern.endswith("*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type
