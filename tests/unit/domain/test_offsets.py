"""Offsets finished out of order: the prefix, what rides above it, and what bounds it."""

import pytest

from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import (
    METADATA_BYTES_MAX,
    SPAN_MAX,
    Committed,
    OffsetTracker,
    decode_metadata,
    encode_metadata,
    finished_in,
)


def test_the_prefix_follows_the_oldest_open_offset():
    """What may be committed is what everything below is finished of."""
    tracker = OffsetTracker(10)
    for offset in (10, 11, 12):
        assert tracker.receive(offset)
    tracker.finish(11)
    assert (tracker.prefix, tracker.position, tracker.span) == (10, 13, 3)
    tracker.finish(10)
    assert (tracker.prefix, tracker.span, tracker.open_count) == (12, 1, 1)
    tracker.finish(12)
    assert (tracker.prefix, tracker.span, tracker.finished_share()) == (13, 0, 1.0)


def test_what_finished_above_the_prefix_rides_in_the_metadata():
    """The next owner does not do it again."""
    tracker = OffsetTracker(0)
    for offset in range(10):
        tracker.receive(offset)
    for offset in (1, 2, 7):
        tracker.finish(offset)
    committed = tracker.commit()
    assert committed.offset == 0
    assert list(finished_in(committed)) == [1, 2, 7]
    heir = OffsetTracker(committed.offset, finished_in(committed))
    assert [offset for offset in range(10) if heir.receive(offset)] == [0, 3, 4, 5, 6, 8, 9]


def test_other_metadata_fields_travel_beside_it():
    """A caller's own fields come back."""
    tracker = OffsetTracker(0)
    tracker.receive(0)
    committed = tracker.commit({"t": "5@6"})
    assert decode_metadata(committed.metadata)["t"] == "5@6"
    assert list(finished_in(committed)) == []


def test_an_heir_that_has_not_read_on_hands_the_same_on():
    """A rebalance right after another loses nothing of what was finished."""
    first = OffsetTracker(0)
    for offset in range(5):
        first.receive(offset)
    first.finish(3)
    heir = OffsetTracker(0, finished_in(first.commit()))
    assert list(finished_in(heir.commit())) == [3]
    assert heir.span == 0
    heir.receive(0)
    assert list(finished_in(heir.commit())) == [3]


def test_gaps_belong_to_nobody():
    """Markers and compacted records between received ones count as finished."""
    tracker = OffsetTracker(0)
    for offset in (0, 5, 9):
        tracker.receive(offset)
    tracker.finish(0)
    assert tracker.prefix == 5
    tracker.advance(20)
    tracker.finish(9)
    tracker.finish(5)
    assert tracker.prefix == 20
    tracker.advance(3)
    assert tracker.position == 20


def test_an_offset_read_again_is_open_or_not_and_counted_once():
    """A seek back brings records a second time: only what is open is to be done."""
    tracker = OffsetTracker(0)
    for offset in range(4):
        tracker.receive(offset)
    tracker.finish(2)
    assert [tracker.receive(offset) for offset in range(4)] == [True, True, False, True]
    assert tracker.open_count == 3
    assert tracker.is_open(1)
    assert not tracker.is_open(2)
    tracker.finish(0)
    assert tracker.prefix == 1


def test_finishing_what_is_not_open_is_a_bug():
    """Twice the same outcome must not pass unseen."""
    tracker = OffsetTracker(0)
    tracker.receive(0)
    tracker.finish(0)
    with pytest.raises(KeyError):
        tracker.finish(0)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_full_span_fits_the_brokers_limit(every):
    """SPAN_MAX offsets, whatever is finished of them, fit with other fields beside."""
    tracker = OffsetTracker(2**40)
    for offset in range(2**40, 2**40 + SPAN_MAX):
        tracker.receive(offset)
    for offset in range(2**40 + 1, 2**40 + SPAN_MAX, every):
        tracker.finish(offset)
    committed = tracker.commit({"t": "1" * 34})
    assert len(committed.metadata) <= METADATA_BYTES_MAX
    assert len(list(finished_in(committed))) == len(range(1, SPAN_MAX, every))


def test_no_metadata_is_no_fields():
    """A commit of somebody who knows no metadata finishes nothing above its offset."""
    assert decode_metadata(None) == decode_metadata("") == {}
    assert list(finished_in(Committed(offset=3))) == []
    assert list(finished_in(Committed(offset=3, metadata=encode_metadata({"a": "b"})))) == []


@pytest.mark.parametrize("text", ["v2;f=AA==", "hello", "v1;f", "v1;"])
def test_metadata_of_another_shape_is_refused(text):
    """Guessing would lose or double records."""
    with pytest.raises(BrokenContract):
        decode_metadata(text)


@pytest.mark.parametrize("text", ["v1;f=*", "v1;f=AAA", "v1;f=é"])
def test_finished_offsets_that_are_no_base64_are_refused(text):
    """Whatever the bytes, nothing else is raised."""
    with pytest.raises(BrokenContract):
        list(finished_in(Committed(offset=0, metadata=text)))


def test_advancing_drops_what_was_restored_below():
    """Finished offsets of the last owner below the position are of no more use."""
    tracker = OffsetTracker(0, [3, 8])
    tracker.advance(5)
    assert list(finished_in(tracker.commit())) == [8]
    assert tracker.prefix == 5


def test_the_share_of_finished_ones_tells_a_stuck_head():
    """One open of a hundred: 99 %."""
    tracker = OffsetTracker(0)
    for offset in range(100):
        tracker.receive(offset)
    for offset in range(1, 100):
        tracker.finish(offset)
    assert tracker.finished_share() == pytest.approx(0.99)


def test_a_finished_offset_far_above_the_prefix_is_found_again():
    """Whole bytes of open offsets lie between."""
    tracker = OffsetTracker(0)
    for offset in range(30):
        tracker.receive(offset)
    tracker.finish(25)
    assert list(finished_in(tracker.commit())) == [25]


def test_what_a_commit_told_is_known_though_not_received():
    """Up to its last finished offset."""
    tracker = OffsetTracker(5, finished=[7, 9])

    assert tracker.known_to == 10
    tracker.receive(20)

    assert tracker.known_to == 21
