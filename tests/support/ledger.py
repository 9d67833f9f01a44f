"""The ledger: what became of each (event, endpoint) of a tenant, read from the topics alone.

Reads, `read_committed`, the receipts, lanes, retry tiers, dead letters and attempts, and the
commits of deliverer and retrier. `faults` names every way in which they break the first two
promises: each obligation is delivered, waiting, dead or cancelled, exactly one of these; and
fan-out, retries and dead letters are written exactly once. It is true of a deployment at rest:
the topics are read one after another.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, TopicPartition

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import Progress, progress_of, to_ms
from hooklane.domain.ids import delivery_id
from hooklane.domain.offsets import finished_in
from hooklane.domain.topics import Partition

READ_S = 30.0
EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A Delivery record where it lies; `is_open` where its partition's commit has not passed it."""

    topic: str
    offset: int
    delivery_id: str
    endpoint_id: str
    raw: bytes
    progress: Progress
    is_open: bool

    @property
    def due_ms(self) -> int:
        return 0 if self.progress.not_before is None else to_ms(self.progress.not_before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One tenant's records, at one time."""

    receipts: list[dict]
    lanes: list[Kept]
    tiers: list[Kept]
    deaths: list[Kept]
    buried: frozenset[str]
    redriven: Counter[str]
    attempts: list[dict]

    @property
    def owed(self) -> dict[str, tuple[str, str]]:
        """What the receipts promise: delivery id → (event, endpoint)."""
        return {
            delivery_id(event_id=r["event_id"], endpoint_id=one, trigger=EVENT): (
                r["event_id"],
                one,
            )
            for r in self.receipts
            for one in r["matched"]
        }

    def fates(self, endpoint_id: str | None = None) -> Counter[str]:
        """Count what became of what is owed, to one endpoint or to all."""
        chosen = [
            delivery
            for delivery, (_, endpoint) in self.owed.items()
            if endpoint_id in (None, endpoint)
        ]
        found = self._states()
        return Counter(" and ".join(sorted(found.get(one, ()))) or "lost" for one in chosen)

    def faults(self, event_ids: Collection[str]) -> list[str]:
        """Name all that breaks a promise.

        Args:
            event_ids: every event that was published for the tenant.
        """
        return [
            *self._receipt_faults(event_ids),
            *self._state_faults(),
            *self._copy_faults(),
            *self._attempt_faults(),
            *self._time_faults(),
        ]

    def attempts_of(self, endpoint_id: str) -> list[dict]:
        """Give an endpoint's attempts, in the order they began."""
        own = [one for one in self.attempts if one["endpoint_id"] == endpoint_id]
        return sorted(own, key=lambda one: (one["started_at"], one["number"]))

    def verdicts(self, endpoint_id: str) -> Counter[tuple[str, str, str]]:
        """Count (outcome, verdict, reason) of an endpoint's attempts."""
        return Counter(
            (one["outcome"], one["verdict"], one["reason"]) for one in self.attempts_of(endpoint_id)
        )

    def _states(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for attempt in self.attempts:
            if attempt["verdict"] in {"delivered", "cancelled"}:
                found.setdefault(attempt["delivery_id"], set()).add(attempt["verdict"])
        for kept in (*self.lanes, *self.tiers):
            if kept.is_open:
                found.setdefault(kept.delivery_id, set()).add("waiting")
        for buried in self.buried:
            found.setdefault(buried, set()).add("dead")
        return found

    def _receipt_faults(self, event_ids: Collection[str]) -> Iterator[str]:
        parts = Counter((one["event_id"], one["part"]) for one in self.receipts)
        yield from _more_than_once("receipt", parts)
        having = {event_id for event_id, _ in parts}
        yield from (f"event {one} has no receipt" for one in set(event_ids) - having)
        yield from (f"receipt of {one}, never published" for one in having - set(event_ids))

    def _state_faults(self) -> Iterator[str]:
        states, owed = self._states(), self.owed
        for delivery in owed:
            if len(found := states.get(delivery, set())) != 1:
                yield f"{delivery} is {' and '.join(sorted(found)) or 'lost'}"
        known = {kept.delivery_id for kept in (*self.lanes, *self.tiers, *self.deaths)}
        known |= {attempt["delivery_id"] for attempt in self.attempts}
        yield from (f"{one} is owed to nobody" for one in known - owed.keys())

    def _copy_faults(self) -> Iterator[str]:
        """Hold each record to the one decision it comes from."""
        for where, records in (("lane", self.lanes), ("tier", self.tiers), ("dead", self.deaths)):
            yield from _more_than_once(where, Counter(_trigger(kept) for kept in records))
        retried = Counter(
            (a["delivery_id"], a["number"]) for a in self.attempts if a["verdict"] == "retry"
        )
        first_hops = Counter(
            (kept.delivery_id, kept.progress.attempts_made)
            for kept in self.tiers
            if kept.progress.hops == 1
        )
        yield from _unequal("retry attempts and tier records", retried, first_hops)
        died = Counter(a["delivery_id"] for a in self.attempts if a["verdict"] == "dead")
        deaths = Counter(kept.delivery_id for kept in self.deaths)
        yield from _unequal("dead attempts and dead letters", died, deaths)
        firsts = Counter(
            kept.delivery_id for kept in self.lanes if kept.progress.schedule_step == 0
        )
        calls = Counter(self.owed.keys()) + self.redriven
        yield from _unequal("events and redrives, and lane records", calls, firsts)
        yield from self._due_faults()
        for one, raws in _bytes_of((*self.lanes, *self.tiers, *self.deaths)).items():
            if len(raws) != 1:
                yield f"{one} has {len(raws)} values"

    def _due_faults(self) -> Iterator[str]:
        """Hold what left the tiers to what came into the lanes from there."""
        came = {_step(kept) for kept in self.lanes if kept.progress.schedule_step}
        left = {_step(kept) for kept in self.tiers} - {_step(k) for k in self.tiers if k.is_open}
        # Its endpoint disabled or deleted, or too old: it ended where it waited.
        ended = {one["delivery_id"] for one in self.attempts if one["outcome"] == "none"}
        yield from (f"{one} came into its lane from no tier" for one in came - left)
        yield from (
            f"{one} left its tier for nowhere" for one in left - came if one[0] not in ended
        )

    def _attempt_faults(self) -> Iterator[str]:
        yield from _more_than_once("attempt", Counter(one["attempt_id"] for one in self.attempts))
        numbers: dict[str, list[int]] = {}
        for one in self.attempts:
            if one["outcome"] != "none":
                numbers.setdefault(one["delivery_id"], []).append(one["number"])
        for delivery, found in numbers.items():
            if sorted(found) != list(range(1, len(found) + 1)):
                yield f"{delivery} has the attempts {sorted(found)}"

    def _time_faults(self) -> Iterator[str]:
        due = {(kept.delivery_id, kept.progress.attempts_made): kept.due_ms for kept in self.tiers}
        for one in self.attempts:
            early = due.get((one["delivery_id"], one["number"] - 1), 0) - one["started_at"]
            if one["outcome"] != "none" and early > 0:
                yield f"{one['delivery_id']} attempt {one['number']} began {early} ms early"


def read_ledger(bootstrap, admin, topics, *, tiers, tenant) -> Ledger:
    """Read all of a tenant's records."""
    source = Source(bootstrap)
    match, attempt = codec("match"), codec("attempt")
    lane_start = f"{topics.prefix}.lane."
    deliveries = source.read(t for t in source.topics() if t.startswith(lane_start))
    waiting = source.read(topics.retry(tier) for tier in tiers)
    letters = source.read([topics.dead_letters])
    deaths = [_kept(r, is_open=False) for r in letters if r.value() is not None]
    mine = {kept.delivery_id for kept in deaths if _tenant(kept.raw) == tenant}
    last = {record.key().decode(): record.value() for record in letters}
    receipts = _own(tenant, (match.decode(r.value()) for r in source.read([topics.matches])))
    return Ledger(
        # What control itself tells of endpoints no test here subscribes to.
        receipts=[one for one in receipts if one["source"]["topic"] != topics.operational],
        lanes=_placed(deliveries, admin, topics.group("deliverer.0"), tenant=tenant),
        tiers=_placed(waiting, admin, topics.group("retrier"), tenant=tenant),
        deaths=[kept for kept in deaths if kept.delivery_id in mine],
        buried=frozenset(key for key, value in last.items() if key in mine and value is not None),
        redriven=Counter(
            key for r in letters if r.value() is None and (key := r.key().decode()) in mine
        ),
        attempts=_own(tenant, (attempt.decode(r.value()) for r in source.read([topics.attempts]))),
    )


class Source:
    """Reads topics to their committed ends."""

    def __init__(self, bootstrap: str) -> None:
        self._settings = {
            "bootstrap.servers": bootstrap, "group.id": "ledger", "enable.auto.commit": False,
            "isolation.level": "read_committed", "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }  # fmt: skip

    def topics(self) -> list[str]:
        consumer = Consumer(self._settings)
        try:
            return sorted(consumer.list_topics(timeout=READ_S).topics)
        finally:
            consumer.close()

    def read(self, topics: Iterable[str]) -> list:
        """Read topics from their beginning."""
        consumer = Consumer(self._settings)
        try:
            known = consumer.list_topics(timeout=READ_S).topics
        finally:
            consumer.close()
        return self.read_from({(topic, n): 0 for topic in topics for n in known[topic].partitions})

    def read_from(self, starts: Mapping[tuple[str, int], int]) -> list:
        """Read partitions from these offsets."""
        left = set(starts)
        if not left:
            return []
        consumer = Consumer(self._settings)
        try:
            consumer.assign([TopicPartition(*part, start) for part, start in starts.items()])
            found, deadline = [], time.monotonic() + READ_S
            while left:
                assert time.monotonic() < deadline, f"the ends of {sorted(left)[:3]} did not come"
                # It waits for so many, so its wait is short.
                for record in consumer.consume(1000, 0.02):
                    if (error := record.error()) is None:
                        found.append(record)
                    else:
                        assert error.code() == KafkaError._PARTITION_EOF, error
                        left.discard((record.topic(), record.partition()))
            return found
        finally:
            consumer.close()


def _kept(record, *, is_open: bool) -> Kept:
    value = codec("delivery").decode(record.value())
    return Kept(
        topic=record.topic(),
        offset=record.offset(),
        delivery_id=value["delivery_id"],
        endpoint_id=value["endpoint_id"],
        raw=record.value(),
        progress=progress_of(record.headers()),
        is_open=is_open,
    )


def _placed(records, admin, group, *, tenant) -> list[Kept]:
    parts = {Partition(record.topic(), record.partition()) for record in records}
    finished = {part: (0, frozenset()) for part in parts}
    for part, committed in admin.committed(group, sorted(parts)).items():
        finished[part] = (committed.offset, frozenset(finished_in(committed)))
    placed = []
    for record in records:
        prefix, above = finished[Partition(record.topic(), record.partition())]
        is_open = record.offset() >= prefix and record.offset() not in above
        placed.append(_kept(record, is_open=is_open))
    return [kept for kept in placed if _tenant(kept.raw) == tenant]


def _trigger(kept: Kept) -> tuple[str, int, int, int]:
    """Name the one decision that a record comes from."""
    progress = kept.progress
    since = to_ms(progress.waiting_since)
    return kept.delivery_id, progress.attempts_made, progress.hops, since


def _step(kept: Kept) -> tuple[str, int]:
    return kept.delivery_id, kept.progress.attempts_made


def _tenant(raw: bytes) -> str:
    return codec("delivery").decode(raw)["tenant"]


def _own(tenant: str, values: Iterable[dict]) -> list[dict]:
    return [value for value in values if value["tenant"] == tenant]


def _bytes_of(records: Iterable[Kept]) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = {}
    for kept in records:
        found.setdefault(kept.delivery_id, set()).add(kept.raw)
    return found


def _more_than_once(what: str, counted: Counter) -> Iterator[str]:
    yield from (f"{what} {one} is there {n} times" for one, n in counted.items() if n > 1)


def _unequal(what: str, expected: Counter, found: Counter) -> Iterator[str]:
    if expected != found:
        too_few, too_many = expected - found, found - expected
        yield f"{what}: {len(too_few)} missing {list(too_few)[:2]}"
        yield f"{what}: {len(too_many)} too many {list(too_many)[:2]}"
