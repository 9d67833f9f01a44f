"""A reading begins at its commit and keeps its checkpoint across owners."""

from datetime import timedelta

import pytest

from hooklane.deliverer.lane import Lane
from hooklane.deliverer.reading import Checkpoint, Reading, checkpoint_of
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition
from support.deliveries import START

HOUR = timedelta(hours=1)


def a_reading(committed=None, start=0):
    return Reading(Lane(Partition("l", 0), "ep_a"), start=start, committed=committed)


def test_without_a_commit_it_begins_where_it_is_told():
    """The log's start."""
    reading = a_reading(start=7)
    assert (reading.tracker.position, reading.committed, reading.checkpoint) == (7, None, None)


def test_an_heir_knows_what_is_finished_and_the_checkpoint():
    """Both ride in the commit."""
    reading = a_reading()
    for offset in range(4):
        reading.tracker.receive(offset)
    reading.tracker.finish(2)
    reading.checkpoint = Checkpoint(offset=0, at=START)
    heir = a_reading(reading.commit())
    assert heir.checkpoint == reading.checkpoint
    assert [heir.tracker.receive(offset) for offset in range(4)] == [True, True, False, True]


def test_a_commit_that_cannot_be_read_is_not_guessed():
    """Such a lane is left alone."""
    with pytest.raises(BrokenContract):
        a_reading(Committed(offset=0, metadata="v9;f=AA=="))


@pytest.mark.parametrize("text", [None, "", "5", "5@", "@5", "5@5@5", "-5@5", "5@" + "9" * 15])
def test_an_unreadable_checkpoint_is_none(text):
    """That only puts trimming off."""
    assert checkpoint_of(text) is None


def test_a_checkpoint_ripens():
    """After `keep`, not before."""
    checkpoint = Checkpoint(offset=5, at=START)
    assert checkpoint_of(checkpoint.text()) == checkpoint
    assert not checkpoint.is_ripe(now=START + HOUR - timedelta(seconds=1), keep=HOUR)
    assert checkpoint.is_ripe(now=START + HOUR, keep=HOUR)


def test_the_lowest_forgotten_offset_is_where_reading_goes_on():
    """Whatever is forgotten when."""
    reading = a_reading()
    for offset in (None, 9, 5, 7, None):
        reading.read_again_from(offset)
    assert reading.resume_at == 5
