"""Laws of the replayer's cursors."""

from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.cursor import Ending, Outcome, Told, metadata_fields, told_in
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed, encode_metadata
from properties.strategies import CURSORS

OUTCOMES = st.builds(
    Outcome,
    cursor=CURSORS,
    ending=st.sampled_from(Ending),
    finished_ms=st.integers(0, 2**45),
    reason=st.from_regex(r"[a-z_]{0,32}", fullmatch=True),
)


@given(st.lists(CURSORS, max_size=3), st.lists(OUTCOMES, max_size=4))
def test_what_a_commit_tells_is_read_as_it_was_written(cursors, outcomes):
    """Every cursor; of the outcomes the newest that fit."""
    metadata = encode_metadata(metadata_fields(cursors, outcomes))

    told = told_in(Committed(offset=0, metadata=metadata))

    kept = len(told.outcomes)
    assert told == Told(cursors=tuple(cursors), outcomes=tuple(outcomes[len(outcomes) - kept :]))


@given(
    st.text(max_size=60).map(lambda text: f"v1;k={text}")
    | st.text(max_size=60).map(lambda text: f"v1;o={text}")
    | st.text(max_size=60)
)
def test_any_metadata_is_read_or_breaks_the_contract(metadata):
    """Nothing else is raised."""
    try:
        told = told_in(Committed(offset=0, metadata=metadata))
    except BrokenContract:
        return
    assert isinstance(told, Told)
