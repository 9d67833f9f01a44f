"""Poll the tiers, decide about what woke, write it all in one transaction with the offsets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from hooklane.adapters.metrics import (
    CLOCK_SKEW,
    DEAD_LETTERS,
    EVENTS_REJECTED,
    RETRIES_COPIED,
    RETRIES_RELEASED,
    RETRY_LATENESS,
    TABLE_OFFSET,
    TRANSACTIONS_ABORTED,
    VERDICTS,
)
from hooklane.adapters.ports import Record
from hooklane.adapters.rejected import reason_of, set_aside
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import Unavailable
from hooklane.domain.retry import SLACK, Schedule
from hooklane.domain.topics import Partition, Topics
from hooklane.domain.verdict import Cancelled, Dead
from hooklane.retrier.ahead import Ahead, advance
from hooklane.retrier.fate import Copy, Fate, Hop, Stay, fate
from hooklane.retrier.housekeeping import Housekeeping
from hooklane.retrier.orders import Orders
from hooklane.retrier.settings import RetrierSettings
from hooklane.retrier.shelf import Shelf
from hooklane.retrier.surroundings import Surroundings
from hooklane.retrier.tiers import Tiers
from hooklane.retrier.waiting import Held, Unreadable, Waiting
from hooklane.retrier.writes import writes

POLL_MAX = timedelta(milliseconds=100)
# While a release looks ahead in the tiers.
RELEASE_POLL_MAX = timedelta(milliseconds=10)
# A record whose table_offset our table does not reach is looked at again after so long.
TABLE_WAIT = timedelta(seconds=5)
TABLE_TIMEOUT = timedelta(milliseconds=500)
SKEW_ALARM = timedelta(seconds=1)
SKEW_MAX = timedelta(seconds=5)
SKEW_REMEMBERED_S = 60.0


Settlement = Copy | Hop | Dead | Cancelled


class Retrier:
    """The worker."""

    def __init__(
        self,
        around: Surroundings,
        *,
        topics: Topics,
        tiers: Schedule,
        settings: RetrierSettings,
        housekeeping: Housekeeping,
    ) -> None:
        """Begin with nothing assigned."""
        self._around, self._topics, self._settings = around, topics, settings
        self._delays, self._housekeeping = tiers, housekeeping
        self._shelf = Shelf(
            records_max=settings.held_records_max, bytes_max=settings.held_bytes_max
        )
        self._tiers = Tiers(
            around.member,
            self._shelf,
            settings=settings,
            clock=around.clock,
            log=around.log,
        )
        self._orders = Orders(
            around.commands,
            topics,
            keep=max(tiers) + SLACK,
            clock=around.clock,
            log=around.log,
        )
        self._ahead = Ahead(around.ahead, around.admin, read_records_max=settings.read_records_max)
        self._started = False
        self._must_rewind = False
        self._skew = timedelta(0)
        self._skewed_at = float("-inf")
        self._table_again_at = float("-inf")

    def start(self) -> None:
        """Check the topics, read the endpoint table, then join the group."""
        self._housekeeping.start(self._topics.specs(self._delays))
        self._around.table.start()
        # Ends at once what a predecessor left open, and makes the first due retry no later.
        self._around.producer.begin()
        self._around.producer.abort()
        self._orders.start()
        self._tiers.subscribe(
            self._housekeeping.tier_topics(self._topics, self._delays),
            cutoffs=self._orders.cutoffs,
        )
        self._started = True

    def step(self) -> None:
        """Do one round; at most about a tenth of a second where nothing is due."""
        around, tiers = self._around, self._tiers
        around.table.poll()
        TABLE_OFFSET.set(around.table.offset)
        around.positions.tell(around.table.offset)
        tiers.resume()
        self._take(around.member.consume(self._settings.read_records_max, timeout=self._wait()))
        # After consume: of a lost membership, under which no commit is read, only consume tells.
        if self._must_rewind:
            tiers.rewind()
            self._must_rewind = False
        tiers.adopt()
        self._watch_clocks()
        # Every record may write two: its own and an Attempt.
        taken = self._shelf.take(
            around.clock.now(), count_max=self._settings.transaction_records_max // 2
        )
        if taken:
            self._settle(taken)
        self._release()
        self._housekeeping.keep(tiers)

    def stop(self) -> None:
        """Leave: what is held is committed as unfinished and waits for the next owner."""
        self._around.close()

    def not_ready(self) -> str | None:
        """Say why nothing is copied now, or not safely."""
        if not self._started:
            return "the endpoint table is not read"
        if self._tiers.unreadable:
            return f"commits of {len(self._tiers.unreadable)} tier partitions can't be read"
        if self._skew > SKEW_MAX:
            return f"our clock is {self._skew.total_seconds():.1f} s behind the brokers'"
        return None

    def _wait(self) -> timedelta:
        next_at = self._shelf.next_at()
        if self._shelf.has_awake or self._ahead.is_busy:
            return timedelta(0)
        poll_max = POLL_MAX if self._ahead.is_idle else RELEASE_POLL_MAX
        if next_at is None:
            return poll_max
        return min(max(next_at - self._around.clock.now(), timedelta(0)), poll_max)

    def _take(self, records: Sequence[Record]) -> None:
        try:
            self._tiers.take(records)
        except Unavailable:
            # Part of what was consumed is not held, and would count as finished.
            self._must_rewind = True
            raise

    def _settle(self, taken: Sequence[Held]) -> None:
        now = self._around.clock.now()
        settled: list[tuple[Waiting, Settlement]] = []
        rejected: list[Unreadable] = []
        # Decided before the transaction is opened: the table may have to be read for it.
        for held in taken:
            if isinstance(held, Unreadable):
                rejected.append(held)
                continue
            decided = self._fate(held, now=now)
            if isinstance(decided, Stay):
                self._shelf.put(held, wakes_at=decided.until)
            else:
                settled.append((held, decided))
        if settled or rejected:
            self._finish(settled, rejected, now=now)

    def _finish(
        self,
        settled: Sequence[tuple[Waiting, Settlement]],
        rejected: Sequence[Unreadable],
        *,
        now: datetime,
    ) -> None:
        try:
            self._write(settled, rejected, now=now)
        except Unavailable:
            self._must_rewind = True
            TRANSACTIONS_ABORTED.inc()
            raise
        self._count(settled, rejected, now=now)

    def _release(self) -> None:
        """Let go what endpoints are asked to get now: on the shelf, and ahead in the tiers."""
        if asked := self._orders.poll():
            self._tiers.release(asked)
        self._tiers.admit()
        now = self._around.clock.now()
        found = self._ahead.read(
            self._tiers.assigned, now=now, count_max=self._settings.transaction_records_max // 2
        )
        settled: list[tuple[Waiting, Settlement]] = []
        stays: dict[tuple[Partition, str], tuple[int, datetime]] = {}
        for waiting in found.waiting:
            line = (waiting.place.partition, waiting.endpoint_id)
            if line in stays:
                continue
            decided = self._fate(waiting, now=now)
            if isinstance(decided, Stay):
                # The release ends here for now: it tells of nothing that is not finished.
                stays[line] = (waiting.place.offset, decided.until)
            else:
                settled.append((waiting, decided))
        advance(found, [waiting for waiting, _ in settled], stays=stays)
        if settled:
            self._finish(settled, [], now=now)

    def _fate(self, waiting: Waiting, *, now: datetime) -> Fate:
        try:
            endpoint = self._endpoint(waiting)
        except Unavailable as error:
            self._around.log(
                "table.behind", level="error", error=str(error), endpoint=waiting.endpoint_id
            )
            return Stay(until=now + TABLE_WAIT)
        return fate(
            waiting,
            endpoint=endpoint,
            now=now,
            tiers=self._delays,
            age_max=self._settings.delivery_age_max,
        )

    def _endpoint(self, waiting: Waiting) -> Endpoint | None:
        table, needed = self._around.table, waiting.delivery["table_offset"]
        endpoint = table.get(waiting.endpoint_id)
        if endpoint is None and table.offset < needed:
            self._read_table_to(needed)
            endpoint = table.get(waiting.endpoint_id)
        if table.knows_nothing_of(waiting.endpoint_id):
            raise Unavailable(f"endpoint {waiting.endpoint_id} can't be read by this release")
        return endpoint

    def _read_table_to(self, needed: int) -> None:
        # Once it proved to end too early, thousands of records must not wait for it in turn.
        moment = self._around.clock.monotonic()
        if moment < self._table_again_at:
            raise Unavailable(f"endpoint table is at {self._around.table.offset} < {needed}")
        try:
            self._around.table.read_to(needed, timeout=TABLE_TIMEOUT)
        except Unavailable:
            self._table_again_at = moment + TABLE_WAIT.total_seconds()
            raise

    def _write(
        self,
        settled: Sequence[tuple[Waiting, Settlement]],
        rejected: Sequence[Unreadable],
        *,
        now: datetime,
    ) -> None:
        producer, assigned = self._around.producer, self._tiers.assigned
        rows = [row for waiting, fate in settled
                for row in writes(waiting, fate, topics=self._topics, now=now)]  # fmt: skip
        producer.begin()
        for row in rows:
            producer.produce(
                row.topic, row.value, key=row.key, headers=row.headers, partition=row.partition
            )
        for unreadable in rejected:
            set_aside(
                producer,
                unreadable.record,
                topic=self._topics.rejected_events,
                error=unreadable.error,
            )
        touched = set()
        places = [waiting.place for waiting, _ in settled]
        for place in (*places, *(unreadable.place for unreadable in rejected)):
            assigned[place.partition].finish(place.offset)
            touched.add(place.partition)
        offsets = {partition: assigned[partition].commit() for partition in touched}
        producer.send_offsets(offsets, self._around.member)
        producer.commit()
        for partition, committed in offsets.items():
            assigned[partition].committed = committed

    def _count(
        self,
        settled: Sequence[tuple[Waiting, Settlement]],
        rejected: Sequence[Unreadable],
        *,
        now: datetime,
    ) -> None:
        copied = [waiting for waiting, fate in settled if isinstance(fate, Copy)]
        released = [waiting for waiting, _ in settled if waiting.released]
        RETRIES_COPIED.inc(len(copied))
        RETRIES_RELEASED.inc(len(released))
        RETRY_LATENESS.observe_all(
            (now - waiting.due_at).total_seconds() for waiting in copied if not waiting.released
        )
        for endpoint_id, count in Counter(waiting.endpoint_id for waiting in released).items():
            self._around.log("retries.released", endpoint=endpoint_id, count=count)
        for waiting, decided in settled:
            if isinstance(decided, (Dead, Cancelled)):
                verdict = "dead" if isinstance(decided, Dead) else "cancelled"
                VERDICTS.labels(verdict).inc()
                if verdict == "dead":
                    DEAD_LETTERS.labels(decided.reason.value).inc()
                self._log_verdict(waiting, verdict=verdict, reason=decided.reason.value)
        for unreadable in rejected:
            EVENTS_REJECTED.labels(reason_of(unreadable.error)).inc()
            place = unreadable.place
            self._around.log(
                "record.rejected",
                level="error",
                partition=place.partition,
                offset=place.offset,
                error=str(unreadable.error),
            )

    def _log_verdict(self, waiting: Waiting, *, verdict: str, reason: str) -> None:
        self._around.log(
            f"delivery.{verdict}",
            tenant=waiting.delivery["tenant"],
            event=waiting.delivery["event_id"],
            endpoint=waiting.endpoint_id,
            delivery=waiting.delivery["delivery_id"],
            attempt_number=0,
            outcome="none",
            verdict=verdict,
            reason=reason,
            duration_ms=0,
        )

    def _watch_clocks(self) -> None:
        # A record that was appended in our future tells that our clock is behind; a clock ahead of
        # the brokers' shows at the deliverer, whose own clock looks at `not-before` again.
        ahead, self._tiers.ahead = self._tiers.ahead, timedelta(0)
        moment = self._around.clock.monotonic()
        if ahead > SKEW_ALARM:
            if moment - self._skewed_at > SKEW_REMEMBERED_S or ahead > self._skew * 2:
                self._around.log("clock.skewed", level="error", behind_s=ahead.total_seconds())
            self._skew, self._skewed_at = ahead, moment
        elif moment - self._skewed_at > SKEW_REMEMBERED_S:
            self._skew = timedelta(0)
        CLOCK_SKEW.set(-self._skew.total_seconds())
