"""The twin with somebody who meddles in every call, and watchers of all that becomes visible."""

from contextlib import contextmanager

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.memory.partition_log import TransactionState
from support.deliveries import START


class Killed(BaseException):
    """The caller is no more: raised out of the call in which it was killed."""


class SimulatedClock(ManualClock):
    """Tells who wants to know that time moved: answers come in while a thread waits."""

    def __init__(self):
        super().__init__(START)
        self.listeners = []

    def advance(self, span):
        super().advance(span)
        for listener in list(self.listeners):
            listener()


class SimulatedCluster(Cluster):
    """In every call `meddle(name, after)` may raise, kill, or move the clock.

    Watchers learn each change once, whole: `transaction(by, records, offsets)`, and
    `commits(group, {partition: Committed})` for what was committed outside of one.
    """

    def __init__(self, clock):
        # Workers wait one after another where processes wait together: each takes its part.
        super().__init__(clock, idle=lambda timeout: clock.advance(timeout / 4))
        self.watchers = []
        self.meddle = lambda name, after: None
        # Whether the caller is no worker of ours: producers and control meet no fault.
        self.is_outside = lambda: False
        self.activity = 0
        self._seen = {}

    @contextmanager
    def operation(self, name):
        if self.is_outside():
            self._pass_time()
            yield
            return
        self.meddle(name, False)
        with super().operation(name):
            yield
        if name == "commit_offsets":
            self._tell_commits()
        self.meddle(name, True)

    def finish(self, transaction, *, commit):
        tells = commit and transaction.state is TransactionState.OPEN
        by = next((i for i, h in self.holders.items() if h.transaction is transaction), "?")
        records = [r for log in transaction.logs.values() for r in _own(log, transaction)]
        super().finish(transaction, commit=commit)
        if tells and not transaction.is_empty:
            self.activity += 1
            for (group, partition), committed in transaction.offsets.items():
                self._seen[group, partition] = committed
            for watcher in self.watchers:
                watcher.transaction(by, records, transaction.offsets)

    def _tell_commits(self):
        for name, group in self.groups.items():
            changed = {
                partition: committed
                for partition, committed in group.commits.items()
                if self._seen.get((name, partition)) is not committed
            }
            self._seen.update({(name, p): committed for p, committed in changed.items()})
            for watcher in self.watchers if changed else ():
                watcher.commits(name, changed)


def _own(log, transaction):
    first = log._open_since.get(transaction, log.end)
    found = []
    for record in reversed(log._records):
        if record.offset() < first:
            break
        if record.transaction is transaction:
            found.append(record)
    return found[::-1]
