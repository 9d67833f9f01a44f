"""A cursor is read as it was written, and fits the commit's metadata."""

import pytest

from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import METADATA_BYTES_MAX, Committed
from hooklane.replayer.cursor import PARTITIONS_MAX, Cursor, cursor_of


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(command_offset=0),
        Cursor(command_offset=7, ends=(0, 35, 36, 10**11), partition=2),
        Cursor(command_offset=7, ends=(1,), slices=8, slice=3, done=10**9, count=10**6),
    ],
)
def test_a_cursor_comes_back(cursor):
    """At the offset of its command."""
    assert cursor.committed().offset == cursor.command_offset
    assert cursor_of(cursor.committed()) == cursor


def test_the_longest_cursor_fits():
    """With as many partitions as are allowed and a hundred billion records in each."""
    cursor = Cursor(command_offset=10**12, ends=(10**11,) * PARTITIONS_MAX, done=10**11)

    assert len(cursor.committed().metadata) <= METADATA_BYTES_MAX


def test_no_metadata_is_no_cursor():
    """No command was under way."""
    assert cursor_of(Committed(offset=3)) is None
    assert cursor_of(Committed(offset=3, metadata="v1;f=AA==")) is None


@pytest.mark.parametrize(
    "metadata", ["v2;c=1", "v1;c=1", "v1;c=1;p=1,2;e=", "v1;c=x;p=1,1,1,1,1;e="]
)
def test_anything_else_breaks_the_contract(metadata):
    """Guessing might redrive twice."""
    with pytest.raises(BrokenContract):
        cursor_of(Committed(offset=1, metadata=metadata))
