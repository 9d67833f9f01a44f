"""A partition begins at its commit, and at the log's start only where it has none."""

from hooklane.adapters.first_commits import begin_at
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

KNOWN, NEW = Partition("a", 0), Partition("b", 0)


class Member:
    """A member with one commit; each log starts at 7."""

    def __init__(self):
        self.commits = {KNOWN: Committed(offset=40, metadata="v1;f=AQ==")}

    def committed(self, partitions):
        return {p: self.commits[p] for p in partitions if p in self.commits}

    def ends(self, _partition):
        return 7, 100

    def commit(self, offsets):
        self.commits.update(offsets)


def test_a_commit_is_kept_and_a_missing_one_is_written():
    """What is given is what is committed, metadata included."""
    member = Member()
    starts = begin_at(member, [KNOWN, NEW])
    assert starts == {
        KNOWN: Committed(offset=40, metadata="v1;f=AQ=="),
        NEW: Committed(offset=7),
    }
    assert starts == member.commits
