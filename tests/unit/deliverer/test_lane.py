"""A lane keeps its order, its counts, and forgets only its tail."""

import pytest

from hooklane.adapters.rejected import RawRecord
from hooklane.deliverer.lane import Lane, read
from hooklane.domain.delivery import Progress, first_headers
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Partition
from support.deliveries import START, delivery_bytes, delivery_value


def a_record(offset=0, *, value=b"12345", headers=None):
    return RawRecord(
        at_topic="t.lane.a", at_partition=0, at_offset=offset, raw_key=b"k", raw_value=value,
        raw_headers=headers or [],
    )  # fmt: skip


@pytest.fixture
def lane():
    made = Lane(Partition("t.lane.a", 0), "ep_a")
    made.in_flight_max = 1
    for offset in range(5):
        made.put(a_record(offset))
    return made


def test_records_are_taken_in_order(lane):
    """What was put back is next; the bytes that wait are counted."""
    assert lane.pending_bytes == 25
    first = lane.take()
    lane.put_back(first)
    assert [lane.take().offset() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert (lane.pending_bytes, lane.left, lane.has_work) == (0, 5, False)


def test_the_tail_is_forgotten_and_its_first_offset_told(lane):
    """From there on it is read again later."""
    assert lane.forget(keep=2, keep_bytes=1_000) == 2
    assert (len(lane.pending), lane.pending_bytes, lane.left) == (2, 10, 3)
    assert lane.forget(keep=2, keep_bytes=1_000) is None


def test_bytes_bound_what_is_kept_but_for_one(lane):
    """However large a record is, one is kept."""
    assert lane.forget(keep=64, keep_bytes=1) == 1
    assert len(lane.pending) == 1


def test_a_closed_gate_or_a_full_lane_starts_nothing(lane):
    """Also one that has nothing to do."""
    from hooklane.deliverer.lane import Gate

    assert lane.may_start
    lane.gate = Gate.PAUSED
    assert not lane.may_start
    lane.gate = None
    lane.flights[0] = object()
    assert not lane.may_start
    lane.answered(offset=0, duration_ms=100)
    assert (lane.may_start, lane.ended) == (True, 1)
    assert lane.latency_ms == pytest.approx(5.0)


def test_a_delivery_is_read_with_the_headers_that_decide():
    """As numbers; the others are left for who needs them."""
    value = delivery_value()
    headers = Progress(waiting_since=START, attempts_made=2, not_before=START, reason="x").headers()
    delivery, found = read(a_record(value=delivery_bytes(value), headers=headers))
    assert delivery == value
    assert set(found) == {"attempts-made", "schedule-step", "waiting-since", "not-before"}
    assert found["attempts-made"] == 2


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("waiting-since", b"")],
        [("waiting-since", None)],
        [("waiting-since", b"x")],
        [("waiting-since", b"-1")],
        [("waiting-since", b"9" * 18)],
        [("waiting-since", b"1"), ("attempts-made", b"-1")],
        [("waiting-since", b"1"), ("not-before", b"soon")],
        [("waiting-since", b"1"), ("not-before", b"9" * 18)],
        [("waiting-since", b"1"), ("schedule-step", b"x")],
        [("waiting-since", b"1"), ("hops", b"")],
        [("waiting-since", b"1"), ("first-attempt-at", b"9" * 18)],
    ],
)
def test_headers_that_break_their_contract_are_refused(headers):
    """Whatever they hold, nothing else is raised."""
    with pytest.raises(BrokenContract):
        read(a_record(value=delivery_bytes(delivery_value()), headers=headers))


@pytest.mark.parametrize("event_id", ["", "evt\r\nx: y", "evt é", "a b"])
def test_an_event_id_that_is_no_header_value_is_refused(event_id):
    """It would become a line of the request."""
    value = delivery_value() | {"event_id": event_id}
    headers = first_headers(at=START)
    with pytest.raises(BrokenContract):
        read(a_record(value=delivery_bytes(value), headers=headers))
