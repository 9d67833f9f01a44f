"""The laws, each by itself; they know what was seen outside, and none of the simulation's faults.

Watchers of senders and of the ledger: they raise `Broken` at the moment a law is broken, or say
what is wrong when asked at the end.
"""

import json
from collections import defaultdict

from hooklane.adapters.http.port import Outcome
from hooklane.deliverer.batching import Batched
from hooklane.domain.delivery import progress_of
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.ids import batch_id
from hooklane.domain.retry import retry_after
from hooklane.domain.topics import Partition
from simulation.ledger import Broken


def header(request, name):
    for line in request.headers.decode("latin-1").split("\r\n"):
        key, _, value = line.partition(": ")
        if key == name:
            return value
    raise Broken(f"a request without {name}")


def flights_of(request):
    """Give the deliveries of a request: one, or a batch's."""
    context = request.context
    return context.flights if isinstance(context, Batched) else (context,)


def taken(request, answer):
    """Say by event id which deliveries the receiver has, by its answer's own words."""
    names = [flight.delivery["event_id"] for flight in flights_of(request)]
    if answer.outcome is not Outcome.SUCCEEDED:
        return set()
    told = json.loads(answer.body)["results"] if answer.body else []
    failed = {item["id"] for item in told if item["status"] >= 300}
    return set(names) - failed


class Posts:
    """What may be POSTed, and when."""

    def __init__(self, ledger, clock):
        self._ledger, self._clock = ledger, clock
        self.count = 0
        self._first = {}
        self._read = defaultdict(list)
        self._held = {}
        self._stopped = {}
        self._taken = set()

    def posted(self, request, *, by_owner):
        now = self._clock.now()
        self.count += 1
        self._well_formed(request)
        for flight in flights_of(request):
            record, delivery = flight.record, flight.delivery["delivery_id"]
            progress = progress_of(record.headers())
            if progress.not_before is not None and now < progress.not_before:
                raise Broken(f"{delivery} was POSTed at {now}, not before {progress.not_before}")
            self._same_request(request, flight)
            if by_owner:
                self._not_again(flight, delivery)
            self._allowed(flight, now)

    def answered(self, request, answer):
        now, has = self._clock.now(), taken(request, answer)
        for flight in flights_of(request):
            if flight.delivery["event_id"] in has:
                place = Partition(flight.record.topic(), flight.record.partition())
                self._read[place, flight.record.offset()].append(flight.lane)
                self._taken.add(flight.delivery["delivery_id"])
        flight = flights_of(request)[0]
        if answer.status in (429, 503):
            wait = retry_after(answer.retry_after, now=now)
            if wait is not None:
                before = self._held.get(flight.lane, now)
                self._held[flight.lane] = max(before, now + wait)
        if answer.status == 410:
            self._stopped[flight.lane] = flight.plan.endpoint.revision

    def check_taken(self):
        """Law: nothing counts as delivered but what its receiver said that it has."""
        if invented := set(self._ledger.delivered) - self._taken:
            raise Broken(f"delivered, as nobody said: {invented}")

    def _well_formed(self, request):
        """Law: a batch is the array of its payloads, one delivery's body the payload."""
        flights = flights_of(request)
        ids = [flight.delivery["delivery_id"] for flight in flights]
        batch = flights[0].plan.endpoint.batch
        if batch is None:
            expected = flights[0].delivery["payload"], flights[0].delivery["event_id"]
        else:
            expected = b"[%b]" % b",".join(f.delivery["payload"] for f in flights), batch_id(ids)
            if header(request, "X-Webhook-Batch") != str(len(ids)) or len(ids) > batch.count_max:
                raise Broken(f"a batch of {len(ids)}, at most {batch.count_max}")
        if (request.body, header(request, "webhook-id")) != expected:
            raise Broken(f"{ids} were POSTed as {request.body} {request.headers}")

    def _same_request(self, request, flight):
        """Law: payload and address are the same in every attempt."""
        delivery = flight.delivery["delivery_id"]
        sent = (flight.delivery["payload"], flight.delivery["event_id"], request.target.url)
        if self._first.setdefault(delivery, sent) != sent:
            raise Broken(f"{delivery} was POSTed as {sent}, first as {self._first[delivery]}")
        endpoint_id = flight.delivery["endpoint_id"]
        if request.target.host != f"{endpoint_id[3:]}.example":
            raise Broken(f"{delivery} of {endpoint_id} was POSTed to {request.target.host}")

    def _not_again(self, flight, delivery):
        """Law: none again by who read its 2xx, nor by any owner once its tick is committed.

        Who lost the lane and does not know it yet is no owner.
        """
        place = Partition(flight.record.topic(), flight.record.partition())
        offset = flight.record.offset()
        if offset not in self._ledger.open[place]:
            raise Broken(f"{delivery} was POSTed again after its outcome was recorded")
        if flight.lane in self._read[place, offset]:
            raise Broken(f"{delivery} was POSTed again by who had read its 2xx")

    def _allowed(self, flight, now):
        """Law: nothing to an endpoint that is not active, holds, or said that it is gone."""
        endpoint = flight.plan.endpoint
        if endpoint.state is not EndpointState.ACTIVE:
            raise Broken(f"POST to {endpoint.endpoint_id}, which is {endpoint.state.value}")
        if now < self._held.get(flight.lane, now):
            raise Broken(f"POST to {endpoint.endpoint_id}, held until {self._held[flight.lane]}")
        if endpoint.revision <= self._stopped.get(flight.lane, -1):
            raise Broken(f"POST to {endpoint.endpoint_id}, which said that it is gone")


def check_conservation(ledger, *, written_twice):
    """Law: each delivery of each receipt is in exactly one place.

    Args:
        ledger: the accounts.
        written_twice: delivery ids of events that their producer wrote more than once; these are
            counted by id, and must be in one place at least.
    """
    places = ledger.places()
    for delivery, count in ledger.fanned.items():
        found = places.pop(delivery, {})
        total = sum(found.values())
        if total == 0 or (total != 1 and delivery not in written_twice):
            raise Broken(f"{delivery}, fanned out {count} times, is {dict(found) or 'nowhere'}")
    if places:
        raise Broken(f"nobody fanned out {dict(places)}")


def written_twice(ledger):
    """Give the deliveries of events that were written twice with the same ids."""
    return {delivery for delivery, count in ledger.fanned.items() if count > 1}


def check_copies(ledger):
    """Law: a delivery is in lanes once, and once more for each retry and redrive.

    Asked when nothing waits in tiers; what ended there came to no lane.
    """
    for delivery, count in ledger.in_lanes.items():
        expected = (
            ledger.fanned[delivery]
            + ledger.retried[delivery]
            - ledger.ended[delivery]
            + ledger.redriven[delivery]
            + ledger.moved[delivery]
        )
        if count != expected:
            raise Broken(f"{delivery} came {count} times into lanes, not {expected}")


def check_receipts(ledger, *, since):
    """Law: every event appended since the first start has its receipt, or was rejected."""
    missing = [
        place
        for place in ledger.published
        if place not in ledger.receipts
        and place not in ledger.rejected
        and place[1] >= since.get(place[0], 0)
    ]
    if missing:
        raise Broken(f"events without receipt: {missing}")


def check_drained(cluster, ledger):
    """Law: faults over, every lane's committed position is its end, and nothing waits."""
    late = lags(cluster, ledger)
    if late:
        raise Broken(f"not drained: {late}")


def lags(cluster, ledger):
    """Say what is not drained: open records, and lanes whose commit is not their end."""
    late = {p: len(records) for p, records in ledger.open.items() if records}
    commits = cluster.groups[ledger.topics.group("deliverer.0")].commits
    read = ledger.lanes()
    for name, topic in cluster.topics.items():
        for log in topic.logs if name in read else ():
            committed = commits.get(log.place)
            if committed is None or committed.offset != log.end:
                late[log.place] = f"committed {committed}, end {log.end}"
    return late


def check_memory(running):
    """Law: what a worker holds is bounded, whatever the backlog."""
    worker = running.worker
    if running.kind == "deliverer" and running.is_started:
        sending = worker._sending
        lanes = list(sending._lanes)
        held = sum(len(lane.pending) + len(lane.ready) for lane in lanes) + sending.load.in_flight
        held += sending._gates._successors.count
        settings = worker._settings
        # Each lane may keep 64, have 64 wait for their time, and 64 behind their keys' heads.
        limit = (
            settings.buffered_records_max + settings.held_records_max
            + settings.read_records_max + 3 * 64 * len(lanes)
        )  # fmt: skip
        if held > limit:
            raise Broken(f"{running.name} holds {held} deliveries, more than {limit}")
        if sending.load.in_flight > settings.in_flight_max:
            raise Broken(f"{running.name} has {sending.load.in_flight} POSTs open")
    if running.kind == "retrier" and running.is_started:
        limit = worker._settings.held_records_max + worker._settings.read_records_max
        if len(worker._shelf) > limit:
            raise Broken(f"{running.name} holds {len(worker._shelf)} records")
