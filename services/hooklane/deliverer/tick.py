"""The tick: one transaction that records what was settled and moves the lanes' offsets.

An aborted one left nothing behind. The deliverer does not go back then: it keeps what was settled
and writes the same records, the same attempt ids, in the next tick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from hooklane.adapters import metrics
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock, Member, TransactionalProducer
from hooklane.adapters.rejected import set_aside
from hooklane.deliverer.lane import Lane
from hooklane.deliverer.pool import MOVED
from hooklane.deliverer.reading import Reading
from hooklane.deliverer.settling import Settled
from hooklane.domain.errors import TransactionAborted
from hooklane.domain.parked import parked
from hooklane.domain.topics import Partition, Topics

Readings = Mapping[Partition, Reading]


class Ticker:
    """Collects what is settled and commits it."""

    def __init__(
        self, producer: TransactionalProducer, member: Member, *, clock: Clock, topics: Topics,
        log: Log,
    ) -> None:  # fmt: skip
        """Begin with nothing to commit."""
        self._producer, self._member = producer, member
        self._clock, self._topics, self._log = clock, topics, log
        self._undone: list[Settled] = []
        self._began_at = clock.monotonic() - 3_600
        # Settled and dropped since the last commit: their lane went to another owner.
        self._dropped, self._dropped_size = 0, 0
        self._has_moves = False
        self.taken_at = 0.0
        # What the last commit buried in ordered lanes: their keys wait for it.
        self.buried: tuple[Settled, ...] = ()
        # Topics that no longer exist, as the brokers said.
        self.missing: set[str] = set()

    @property
    def has_work(self) -> bool:
        """Tell whether something waits to be committed, or was dropped and not yet told."""
        return bool(self._undone or self._dropped)

    @property
    def has_moves(self) -> bool:
        """Tell whether copies to other lanes wait to be committed."""
        return self._has_moves and self.has_work

    def since_last(self) -> float:
        """Give the seconds since the last tick began."""
        return self._clock.monotonic() - self._began_at

    def take(self, settled: Settled, readings: Readings) -> None:
        """Count a settled delivery finished, or parked, if its lane is still ours."""
        reading = readings.get(settled.lane.partition)
        if reading is None or reading.lane is not settled.lane.root:
            self._drop(settled)
            return
        progress = settled.parked
        reading.settled(settled.offset, None if progress is None else parked(progress))
        self._undone.append(settled)
        if settled.verdict == MOVED:
            self._has_moves = True

    def note(self, settled: Settled) -> None:
        """Take in what no offset stands for: a probe's Attempt."""
        self._undone.append(settled)

    def drop(self, lanes: Iterable[Lane]) -> None:
        """Forget what was settled in lanes that are no longer ours."""
        gone = set(lanes)
        for settled in self._undone:
            if settled.lane.root in gone:
                self._drop(settled)
        self._undone = [settled for settled in self._undone if settled.lane.root not in gone]

    def commit(self, readings: Readings) -> tuple[int, int]:
        """Commit all that was taken; give how many deliveries and bytes are done with.

        Raises:
            TransactionAborted: nothing of it is visible; it is kept for the next tick.
        """
        if not self._undone:
            # Only dropped: were it not told, it would count as uncommitted for ever.
            self.buried = ()
            return self._done_with([])
        began = self._began_at = self._clock.monotonic()
        offsets = {r.partition: r.commit() for r in readings.values() if r.dirty}
        producer = self._producer
        try:
            producer.begin()
            for settled in self._undone:
                if settled.attempt:
                    producer.produce(self._topics.attempts, settled.attempt, key=settled.key)
                for topic, key, value, headers, place in settled.copies:
                    producer.produce(topic, value, key=key, headers=headers, partition=place)
                if settled.rejected is not None:
                    record, error = settled.rejected
                    topic = self._topics.rejected_events
                    set_aside(producer, record, topic=topic, error=error)
            self.missing |= producer.send_offsets(offsets, self._member)
            producer.commit()
        except TransactionAborted:
            metrics.TRANSACTIONS_ABORTED.inc()
            raise
        done, self._undone = self._undone, []
        self._has_moves = False
        self.buried = tuple(s for s in done if s.lane.order is not None and s.is_burial)
        ended = self._clock.monotonic()
        for partition, committed in offsets.items():
            readings[partition].committed_now(committed, at=ended)
        self._tell(done, seconds=ended - began)
        return self._done_with(done)

    def _done_with(self, done: list[Settled]) -> tuple[int, int]:
        count = len(done) + self._dropped
        size = sum(settled.size for settled in done) + self._dropped_size
        self._dropped = self._dropped_size = 0
        return count, size

    def _drop(self, settled: Settled) -> None:
        self._dropped += 1
        self._dropped_size += settled.size

    def _tell(self, done: list[Settled], *, seconds: float) -> None:
        """Count the batch, and write a line for each that is not plain success."""
        metrics.TICK_TIME.observe_all((seconds,))
        for outcome, count in Counter(s.outcome for s in done).items():
            metrics.ATTEMPTS.labels(outcome.value).inc(count)
        for verdict, count in Counter(s.verdict for s in done).items():
            metrics.VERDICTS.labels(verdict).inc(count)
        for reason, count in Counter(s.reason for s in done if s.verdict == "dead").items():
            metrics.DEAD_LETTERS.labels(reason).inc(count)
        metrics.ATTEMPT_LATENCY.observe_all(s.seconds for s in done if s.seconds is not None)
        metrics.END_TO_END_LATENCY.observe_all(
            s.end_to_end_s for s in done if s.end_to_end_s is not None
        )
        for settled in done:
            if settled.line is not None:
                self._log(f"delivery.{settled.verdict}", **settled.line)
