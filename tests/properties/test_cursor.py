"""Laws of the replayer's cursor."""

from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed
from hooklane.replayer.cursor import cursor_of
from properties.strategies import CURSORS


@given(CURSORS)
def test_a_cursor_is_read_as_it_was_written(cursor):
    """In the commit's metadata."""
    assert cursor_of(cursor.committed()) == cursor


@given(st.text(max_size=60).map(lambda text: f"v1;c={text}") | st.text(max_size=60))
def test_any_metadata_is_a_cursor_none_or_breaks_the_contract(metadata):
    """Nothing else is raised."""
    try:
        cursor = cursor_of(Committed(offset=0, metadata=metadata))
    except BrokenContract:
        return
    assert cursor is None
