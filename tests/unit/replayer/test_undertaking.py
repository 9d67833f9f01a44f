"""A command is taken up where it begins, or not before that can be known."""

import pytest

from hooklane.domain.errors import Misconfigured, Unavailable
from hooklane.replayer import undertaking
from support.replaying import ReplayerBench


@pytest.fixture
def bench():
    made = ReplayerBench()
    made.endpoint()
    return made


def test_more_partitions_than_a_cursor_can_note_are_refused(bench, monkeypatch):
    """The setting would have to be smaller."""
    monkeypatch.setattr(undertaking, "PARTITIONS_MAX", 1)
    bench.ask()

    with pytest.raises(Misconfigured):
        bench.run(bench.replayer())


def test_a_topic_that_the_broker_does_not_name_is_waited_for(bench):
    """A broker that has just started may not know all yet: no crash, and nothing noted."""
    bench.die()
    bench.ask()
    replayer = bench.replayer()
    topics, ends = bench.admin.topics, bench.admin.log_ends
    bench.admin.topics = dict
    with pytest.raises(Unavailable):
        bench.run(replayer)
    bench.admin.topics, bench.admin.log_ends = topics, lambda _partitions: {}
    with pytest.raises(Unavailable):
        bench.run(replayer)
    bench.admin.log_ends = ends

    bench.run(replayer)

    assert len(bench.lane()) == 1
