"""What is set aside comes back as it was."""

import pytest

from hooklane.adapters.rejected import (
    RAW_BYTES_MAX,
    RawRecord,
    begun_in,
    original_of,
    reason_of,
    set_aside,
)
from hooklane.domain.errors import BrokenContract
from hooklane.domain.parts import Begun

ERROR = BrokenContract("no good", reason="value")


class Keeper:
    """A producer that keeps what it was given as a record."""

    def __init__(self):
        self.record = None

    def produce(self, topic, value, *, key, headers=None, partition=None):
        self.record = a_record(topic=topic, value=value, key=key, headers=headers)


def a_record(*, topic="events.order", key=b"k", value=b"v", headers=()):
    return RawRecord(
        at_topic=topic,
        at_partition=3,
        at_offset=7,
        raw_key=key,
        raw_value=value,
        raw_headers=list(headers),
        appended_ms=1234,
    )


def aside(record, **fields):
    keeper = Keeper()
    set_aside(keeper, record, topic="t.rejected-events", error=ERROR, **fields)
    return keeper.record


@pytest.mark.parametrize("key", [None, b"", b"k"])
@pytest.mark.parametrize("value", [None, b"", b"raw" * 1000])
def test_a_record_comes_back_as_it_was(key, value):
    """Position, key, value, headers and time."""
    record = a_record(key=key, value=value, headers=[("ce_id", b"1"), ("other", b"\xff")])
    rejected = aside(record)
    assert original_of(rejected) == record
    assert rejected.key() == b"events.order/3/7"
    said = dict(rejected.headers())
    assert (said["rejected-reason"], said["rejected-error"]) == (b"value", b"no good")


def test_headers_of_ours_in_the_original_do_not_count():
    """Else a producer could forge a position."""
    record = a_record(headers=[("rejected-topic", b"events.other")])
    assert original_of(aside(record)).topic() == "events.order"


def test_too_many_bytes_are_not_kept():
    """Their position and size are; there is nothing to submit again."""
    rejected = aside(a_record(value=b"x" * (RAW_BYTES_MAX + 1)))
    assert rejected.value() is None
    assert dict(rejected.headers())["rejected-bytes"] == b"524289"
    with pytest.raises(BrokenContract, match="524289"):
        original_of(rejected)


def test_hostile_headers_are_bounded():
    """By count and by bytes."""
    many = [("h", b"x")] * 1000
    large = [("h", b"x" * 100_000)]
    assert len(aside(a_record(headers=many)).headers()) < 80
    assert len(aside(a_record(headers=large)).headers()) < 10
    assert "rejected-key" not in dict(aside(a_record(key=b"x" * 100_000)).headers())


def test_what_was_not_set_aside_so_can_not_come_back():
    """A header missing, or no number."""
    for headers in ([], [("rejected-bytes", b"many")]):
        with pytest.raises(BrokenContract):
            original_of(a_record(headers=headers))


def test_a_reason_is_a_label():
    """Where a contract names none it is the record."""
    assert reason_of(ERROR) == "value"
    assert reason_of(BrokenContract("x")) == "record"
    assert a_record().headers() is None
    assert a_record().timestamp() == (2, 1234)


def test_how_far_it_was_done_comes_back():
    """Of its own producer's word on that nothing counts."""
    begun = Begun(offset=7, parts=2, last_id="ep_,x")
    assert begun_in(aside(a_record(), begun=begun)) == begun
    assert begun_in(aside(a_record(headers=[("rejected-begun", b"7,1,a")]))) is None
    with pytest.raises(BrokenContract):
        begun_in(a_record(headers=[("rejected-begun", b"\xff")]))
