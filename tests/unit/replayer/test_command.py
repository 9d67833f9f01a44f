"""A command is read as control writes it."""

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.rejected import RawRecord
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import BrokenContract
from hooklane.replayer.command import Command, RejectedAt, command_of
from support.deliveries import START

FIELDS = {
    "command_id": "cmd_a",
    "kind": "redrive",
    "endpoint_id": "ep_a",
    "tenant": "acme",
    "issued_at": to_ms(START),
}


def read(value):
    return command_of(
        RawRecord(at_topic="t", at_partition=0, at_offset=5, raw_key=None, raw_value=value)
    )


def test_what_is_not_said_is_empty():
    """Every reason, every time, every id."""
    assert read(codec("command").encode(FIELDS)) == Command(
        offset=5, command_id="cmd_a", kind="redrive", endpoint_id="ep_a"
    )


def test_everything_said_is_read():
    """In domain values."""
    value = codec("command").encode(
        {
            **FIELDS,
            "reason": "gone",
            "since": to_ms(START),
            "count_max": 3,
            "delivery_ids": ["dlv_a"],
            "positions": [{"partition": 1, "offset": 2}],
        }
    )

    assert read(value) == Command(
        offset=5,
        command_id="cmd_a",
        kind="redrive",
        endpoint_id="ep_a",
        reason="gone",
        since=START,
        count_max=3,
        delivery_ids=frozenset((b"dlv_a",)),
        positions=(RejectedAt(1, 2),),
    )


@pytest.mark.parametrize("value", [None, b"", b"junk"])
def test_anything_else_breaks_the_contract(value):
    """A tombstone too."""
    with pytest.raises(BrokenContract):
        read(value)
