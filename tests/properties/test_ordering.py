"""Whatever the interleaving of reads, outcomes, wake-ups and heirs, each key keeps its order."""

from collections import deque
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hooklane.adapters.rejected import RawRecord
from hooklane.deliverer.ordering import Ordering, Successors, progressed
from hooklane.deliverer.settings import DelivererSettings
from hooklane.domain.delivery import first_headers, progress_of, to_ms
from hooklane.domain.offsets import OffsetTracker, finished_in
from hooklane.domain.parked import KEYS_MAX, decode_parked, encode_parked, parked
from support.deliveries import START, delivery_value

SECOND = timedelta(seconds=1)


class Keys(RuleBasedStateMachine):
    """A lane's owner, and its heirs: `done` and `numbers` are what was committed."""

    def __init__(self):
        super().__init__()
        self.log, self.done, self.now = [], set(), START
        self.numbers, self.due = {}, {}
        self.take_over(finished=(), prefix=0, restored={})

    def take_over(self, *, finished, prefix, restored):
        self.tracker = OffsetTracker(prefix, finished)
        self.ready, self.restored = deque(), dict(restored)
        self.parked = dict(restored)
        self.successors = Successors(DelivererSettings(lane_buffered_records_max=20))
        self.ordering = Ordering(self.ready, self.restored, all_lanes=self.successors)
        self.open, self.buried = {}, []

    @rule(keys=st.lists(st.integers(0, 45), min_size=1, max_size=25))
    def append(self, keys):
        self.log += [None if key == 45 else b"%d" % key for key in keys]

    @rule(count=st.integers(1, 60))
    def begin(self, count):
        for _ in range(count):
            if self.ready:
                record = self.ready.popleft()
            elif self.tracker.position < len(self.log) and not self.ordering.is_full:
                record = self.read()
            else:
                return
            if record is not None:
                self.start(record)

    def read(self):
        offset = self.tracker.position
        if not self.tracker.receive(offset):
            return None
        record = RawRecord(
            at_topic="t.lane.a", at_partition=0, at_offset=offset, raw_key=b"k", raw_value=b"x",
            raw_headers=first_headers(at=START),
        )  # fmt: skip
        known = self.restored.get(offset)
        return record if known is None else progressed(record, known)

    def start(self, record):
        offset, key = record.offset(), self.log[record.offset()]
        if not self.ordering.claims(record, delivery_value(offset, key=key)):
            return
        progress = progress_of(record.headers())
        if progress.not_before is not None and progress.not_before > self.now:
            assert self.ordering.waits(offset, due_ms=to_ms(progress.not_before))
            return
        # The laws.
        assert progress.attempts_made == self.numbers.get(offset, 0)
        assert self.due.get(offset, self.now) <= self.now
        if key is not None:
            assert all(self.log[n] != key for n in set(range(offset)) - self.done)
            assert key not in [self.log[n] for n in self.open]
        self.open[offset] = record

    @precondition(lambda self: self.open)
    @rule(
        chance=st.randoms(use_true_random=False), outcome=st.sampled_from(["ok", "dead", "fails"])
    )
    def end(self, chance, outcome):
        offset = chance.choice(sorted(self.open))
        record = self.open.pop(offset)
        if outcome == "fails" and self.log[offset] is not None:
            progress = progress_of(record.headers()).attempted(at=self.now, outcome="rejected")
            progress = progress.waiting(until=self.now + chance.randint(1, 9) * SECOND)
            self.parked[offset] = parked(progress)
            self.numbers[offset], self.due[offset] = progress.attempts_made, progress.not_before
            self.ordering.parks(offset, progress)
            return
        self.parked.pop(offset, None)
        self.tracker.finish(offset)
        self.done.add(offset)
        if outcome == "dead":
            self.ordering.buries(offset)
            self.buried.append(offset)
        else:
            self.ordering.finished(offset)

    @rule()
    def tick(self):
        for offset in self.buried:
            self.ordering.buried(offset)
        self.buried = []

    @rule(seconds=st.integers(1, 10))
    def pass_time(self, seconds):
        self.now += seconds * SECOND
        self.ordering.wake(to_ms(self.now))

    @rule()
    def inherit(self):
        """Die right after a commit: the heir has the commit, and nothing else."""
        committed = self.commit()
        self.take_over(
            finished=tuple(finished_in(committed)),
            prefix=committed.offset,
            restored=decode_parked(
                encode_parked(self.parked, prefix=committed.offset), prefix=committed.offset
            ),
        )

    def commit(self):
        return self.tracker.commit({})

    @invariant()
    def what_may_fail_fits_the_commit(self):
        """No more keys under way than have room, restored ones counted."""
        assert len(self.parked) <= KEYS_MAX

    def teardown(self):
        """Everything ends, in a while."""
        for _ in range(len(self.log) * 2 + 2):
            if len(self.done) == len(self.log):
                break
            self.begin(1_000)
            for offset in sorted(self.open):
                del self.open[offset]
                self.parked.pop(offset, None)
                self.tracker.finish(offset)
                self.done.add(offset)
                self.ordering.finished(offset)
            self.tick()
            self.pass_time(10)
        assert set(range(len(self.log))) == self.done
        assert (self.successors.count, self.successors.size) == (0, 0)


TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
