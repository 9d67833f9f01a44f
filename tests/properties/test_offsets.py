"""The tracker against a model that remembers everything."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hooklane.domain.offsets import METADATA_BYTES_MAX, OffsetTracker, finished_in


class Tracking(RuleBasedStateMachine):
    """Receives, finishes, advances, seeks back, hands over to an heir: the model knows better."""

    def __init__(self):
        super().__init__()
        self.position = 100
        # The offsets that hold a record; the others are markers, for ever.
        self.log = []
        self.end = 100
        self.open = set()
        self.done = set()
        self.tracker = OffsetTracker(self.position)

    @rule(gaps=st.lists(st.integers(0, 20), min_size=1, max_size=10))
    def append(self, gaps):
        for gap in gaps:
            # Never below what was ever read past.
            self.end = max(self.end, self.position) + gap
            self.log.append(self.end)
            self.end += 1

    @precondition(lambda self: self.unread())
    @rule(count=st.integers(1, 10))
    def receive(self, count):
        for offset in self.unread()[:count]:
            assert self.tracker.receive(offset) == (offset not in self.done)
            if offset not in self.done:
                self.open.add(offset)
            self.position = offset + 1

    def unread(self):
        return [offset for offset in self.log if offset >= self.position]

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False))
    def finish(self, pick):
        offset = pick.choice(sorted(self.open))
        self.tracker.finish(offset)
        self.open.discard(offset)
        self.done.add(offset)

    @precondition(lambda self: any(offset < self.position for offset in self.log))
    @rule(pick=st.randoms(use_true_random=False))
    def read_again(self, pick):
        offset = pick.choice([offset for offset in self.log if offset < self.position])
        assert self.tracker.receive(offset) == (offset in self.open)

    @rule(by=st.integers(0, 30))
    def advance(self, by):
        # Markers only: up to the next record that was not read.
        target = min([self.position + by, *self.unread()])
        self.tracker.advance(target)
        self.position = max(self.position, target)
        self.end = max(self.end, self.position)

    @rule()
    def hand_over(self):
        committed = self.tracker.commit({"t": "1@2"})
        assert len(committed.metadata) <= METADATA_BYTES_MAX
        finished = set(finished_in(committed))
        # No record that is open or unread is ever told finished; none that is finished forgotten.
        assert not finished & set(self.log) - self.done
        assert {offset for offset in self.done if offset >= committed.offset} <= finished
        assert all(offset in self.done for offset in self.log if offset < committed.offset)
        self.tracker = OffsetTracker(committed.offset, finished)
        self.position = committed.offset
        self.open.clear()

    @invariant()
    def the_prefix_is_the_oldest_open_offset(self):
        assert self.tracker.prefix == min(self.open, default=self.position)
        assert self.tracker.position == self.position
        assert self.tracker.open_count == len(self.open)
        assert 0 <= self.tracker.finished_share() <= 1


TestTracking = Tracking.TestCase
TestTracking.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
