"""Whatever is concerned is in one part, whatever a part may hold."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.errors import BrokenContract
from hooklane.domain.event import Event, SourcePosition
from hooklane.domain.matching import Match, Refusal
from hooklane.domain.parts import (
    MATCHED_BYTES,
    RECEIPT_BYTES_MAX,
    REFUSED_BYTES,
    Begun,
    Room,
    begun_of,
)
from support.matching import an_endpoint

AT = datetime(2026, 1, 1, tzinfo=UTC)


def an_event(*, payload=b"{}", key=None):
    return Event(
        event_id="evt_a", tenant="acme", event_type="order.created", version=1, key=key,
        event_time=AT, source=SourcePosition(topic="t", partition=0, offset=7), payload=payload,
    )  # fmt: skip


def a_match(*, matched=(), refused=()):
    return Match(
        matched=tuple(an_endpoint("*", endpoint_id=one) for one in sorted(matched)),
        refused=tuple(Refusal(endpoint_id=one, reason="r") for one in sorted(refused)),
    )


def cut(event, whole, room):
    """Give all the parts; each one's commit is written and read."""
    found, begun = [], None
    while True:
        part, begun = room.next_part(event, whole, begun=begun)
        found.append(part)
        if begun is None:
            return found
        begun = begun_of(begun.text)


@given(
    ids=st.dictionaries(st.text(min_size=1, max_size=6), st.booleans(), max_size=40),
    records_max=st.integers(2, 12),
    bytes_max=st.integers(1, 400),
    size=st.integers(1, 100),
)
def test_the_parts_together_are_the_whole(ids, records_max, bytes_max, size):
    """In the order of ids, each endpoint in one part, each part within its room."""
    event = an_event(payload=b"x" * size)
    matched = [one for one, gets in ids.items() if gets]
    whole = a_match(matched=matched, refused=ids.keys() - set(matched))
    room = Room(records_max=records_max, bytes_max=bytes_max)

    found = cut(event, whole, room)

    assert found == list(room.parts(event, whole))
    assert whole.matched == tuple(one for part in found for one in part.matched)
    assert whole.refused == tuple(one for part in found for one in part.refused)
    assert list(range(len(found))) == [part.part for part in found]
    listed = [[one.endpoint_id for one in (*p.matched, *p.refused)] for p in found]
    assert all(max(a) < min(b) for a, b in itertools.pairwise(listed))
    assert all(room.holds(event, part) for part in found)
    assert room.holds(event, whole) == (len(found) == 1)


def test_a_receipt_stays_below_what_kafka_takes():
    """Its payload and key and the ids it lists, whether they get it or not."""
    event = an_event(payload=b"x" * 700_000, key=b"k" * 1_000)
    left = RECEIPT_BYTES_MAX - 701_000
    count = left // MATCHED_BYTES + 100
    ids = [f"ep_{number:026}" for number in range(count)]
    room = Room(records_max=100_000, bytes_max=2**40)
    for whole in (a_match(matched=ids), a_match(refused=ids)):
        found = cut(event, whole, room)
        assert len(found) > 1
        for part in found:
            listed = len(part.matched) * MATCHED_BYTES + len(part.refused) * REFUSED_BYTES
            assert listed <= left


def test_a_payload_too_large_leaves_room_for_some():
    """A part always holds something."""
    event = an_event(payload=b"x" * 2_000_000)
    whole = a_match(matched=["ep_a", "ep_b"])
    assert len(cut(event, whole, Room(records_max=10, bytes_max=1))) == 2


def test_nothing_left_is_a_last_part():
    """All that were to come are gone meanwhile."""
    begun = Begun(offset=7, parts=3, last_id="ep_c")
    part, after = Room(records_max=10, bytes_max=1000).next_part(
        an_event(), a_match(matched=["ep_a"]), begun=begun
    )
    assert (Match(matched=(), refused=(), part=3), None) == (part, after)


@given(offset=st.integers(0), parts=st.integers(0), last_id=st.text())
def test_what_has_begun_is_read_as_it_was_written(offset, parts, last_id):
    """Whatever the id, it breaks no commit's metadata."""
    begun = Begun(offset=offset, parts=parts, last_id=last_id)
    assert begun == begun_of(begun.text)
    assert not set(begun.text) & set(";=")


def test_nothing_written_is_nothing_begun():
    """As where an older release committed."""
    assert begun_of(None) is None
    assert begun_of("") is None


@pytest.mark.parametrize("text", ["1,2", "1,2,a,b", "x,1,a", "1,-1,a"])
def test_what_cannot_be_read_is_no_guess(text):
    """It would lose or double deliveries."""
    with pytest.raises(BrokenContract):
        begun_of(text)
