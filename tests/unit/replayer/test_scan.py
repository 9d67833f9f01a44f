"""A scan finds what a redrive means by each delivery's last record."""

from hooklane.adapters.rejected import RawRecord
from hooklane.domain.delivery import to_ms
from hooklane.replayer.command import Command
from hooklane.replayer.scan import Scan, in_slice, is_meant
from support.deliveries import START, delivery_bytes, delivery_value

COMMAND = Command(offset=0, command_id="cmd_a", kind="redrive", endpoint_id="ep_a")


def dead(offset, *, key=b"dlv_a", is_tombstone=False, reason=b"gone", endpoint_id="ep_a"):
    value = delivery_bytes(delivery_value(endpoint_id=endpoint_id))
    return RawRecord(
        at_topic="t.dead-letters",
        at_partition=0,
        at_offset=offset,
        raw_key=key,
        raw_value=None if is_tombstone else value,
        raw_headers=[("reason", reason)],
        appended_ms=to_ms(START),
    )


def scanned(*records, command=COMMAND):
    scan = Scan(command, slice_=0, slices=1)
    for record in records:
        scan.take(record)
    return scan.offsets()


def test_the_last_record_of_an_id_counts():
    """A tombstone takes it away, a later death brings it back."""
    assert scanned(dead(1), dead(3), dead(4, key=b"dlv_b")) == [3, 4]
    assert scanned(dead(1), dead(3, is_tombstone=True)) == []
    assert scanned(dead(1), dead(3, is_tombstone=True), dead(5)) == [5]


def test_a_last_record_that_is_not_meant_hides_those_before():
    """Its reason is the delivery's now."""
    command = Command(
        offset=0, command_id="cmd_a", kind="redrive", endpoint_id="ep_a", reason="gone"
    )

    assert scanned(dead(1), dead(2, reason=b"exhausted"), command=command) == []


def test_a_record_without_a_key_is_passed():
    """It could not be taken out by a tombstone."""
    assert scanned(dead(1, key=None)) == []


def test_every_id_is_in_one_slice():
    """Whatever their number."""
    keys = [b"dlv_%d" % number for number in range(200)]

    for slices in (1, 2, 8):
        found = [
            [slice_ for slice_ in range(slices) if in_slice(key, slice_=slice_, slices=slices)]
            for key in keys
        ]
        assert {len(one) for one in found} == {1}
        assert len({one[0] for one in found}) == slices


def test_another_endpoints_dead_letter_is_not_meant():
    """Nor bytes that are none."""
    assert is_meant(dead(1), COMMAND)
    assert not is_meant(dead(1, endpoint_id="ep_b"), COMMAND)
    assert not is_meant(
        RawRecord(at_topic="t", at_partition=0, at_offset=0, raw_key=b"k", raw_value=b"junk"),
        COMMAND,
    )
