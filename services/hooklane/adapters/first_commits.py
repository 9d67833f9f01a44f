"""Where newly assigned partitions begin: at their commit, else at the log's start, committed."""

from __future__ import annotations

from collections.abc import Collection

from hooklane.adapters.ports import Member
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition


def begin_at(member: Member, partitions: Collection[Partition]) -> dict[Partition, Committed]:
    """Give each partition's commit; one without gets the log's start as its first.

    Raises:
        Unavailable: a commit could not be read or written; nothing was begun.
    """
    committed = member.committed(partitions)
    missing = {
        partition: Committed(offset=member.ends(partition)[0])
        for partition in partitions
        if partition not in committed
    }
    member.commit(missing)
    return committed | missing
