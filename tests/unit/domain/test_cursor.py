"""What a commit tells is read as it was written, and fits the commit's metadata."""

import pytest

from hooklane.domain.cursor import (
    CURSOR_BYTES_MAX,
    OUTCOMES_MAX,
    PARTITIONS_MAX,
    SPAN_MAX,
    Cursor,
    Ending,
    Outcome,
    Told,
    is_command_id,
    metadata_fields,
    told_in,
)
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import (
    METADATA_BYTES_MAX,
    Committed,
    OffsetTracker,
    encode_metadata,
)

ID = "cmd_" + "a" * 26


def cursor(**fields):
    return Cursor(**{"command_id": "cmd_a", "command_offset": 7, **fields})


def outcome(number=0, **fields):
    values = {"ending": Ending.FINISHED, "finished_ms": number, **fields}
    return Outcome(cursor=cursor(count=number), **values)


def committed(*cursors, outcomes=()):
    return Committed(offset=0, metadata=encode_metadata(metadata_fields(cursors, outcomes)))


@pytest.mark.parametrize(
    "found",
    [
        cursor(),
        cursor(ends=(0, 35, 36, 10**11), partition=2),
        cursor(slices=8, slice=3, done=10**9, count=10**6, seen=5, refused=2, begun_ms=9),
    ],
)
def test_a_cursor_comes_back(found):
    """With every number of it."""
    assert told_in(committed(found, cursor())) == Told(cursors=(found, cursor()))


def test_an_outcome_comes_back():
    """With its reason, where there is one."""
    ended = outcome(3, ending=Ending.ENDED, reason="disabled")

    assert told_in(committed(outcomes=[outcome(1), ended])).outcomes == (outcome(1), ended)


def test_the_newest_outcomes_are_kept():
    """At most so many, and fewer where cursors need the room."""
    found = [outcome(number) for number in range(40)]

    assert told_in(committed(outcomes=found)).outcomes == tuple(found[-OUTCOMES_MAX:])
    crowd = [cursor(ends=(10**12,) * PARTITIONS_MAX)]
    far = cursor(command_id="c" * 64, done=10**12, count=10**9, seen=10**9, begun_ms=10**12)
    long = [Outcome(cursor=far, ending=Ending.FINISHED, finished_ms=n) for n in range(40)]
    kept = told_in(committed(*crowd, outcomes=long)).outcomes
    assert 0 < len(kept) < OUTCOMES_MAX
    assert kept == tuple(long[-len(kept) :])


def test_the_longest_metadata_fits():
    """As many partitions as are allowed, all other cursors that have room, the longest span."""
    longest = Cursor(
        command_id=ID,
        command_offset=10**12,
        partition=10**4,
        slices=4096,
        slice=4095,
        done=10**12,
        count=10**10,
        seen=10**10,
        refused=10**10,
        begun_ms=10**13,
        ends=(10**12,) * PARTITIONS_MAX,
    )
    tracker = OffsetTracker(0)
    for offset in range(SPAN_MAX + 200):
        tracker.receive(offset)
    for offset in range(1, SPAN_MAX + 200):
        tracker.finish(offset)

    assert len(longest.text()) <= longest.bytes_max <= CURSOR_BYTES_MAX
    fields = metadata_fields([longest], [outcome(number) for number in range(40)])
    assert len(tracker.commit(fields).metadata) <= METADATA_BYTES_MAX


def test_no_metadata_tells_nothing():
    """No command was under way."""
    assert told_in(Committed(offset=3)) == Told()
    assert told_in(Committed(offset=3, metadata="v1;f=AA==")) == Told()


@pytest.mark.parametrize(
    "metadata",
    [
        "v2;k=1",
        "v1;k=x",
        "v1;k=cmd_a,1,2:",
        "v1;k=cmd a,0,0,1,0,0,0,0,0,0:",
        "v1;k=cmd_a,-1,0,1,0,0,0,0,0,0:",
        "v1;o=cmd_a,0,0,1,0,0,0,0,0,0::lost,1,",
        "v1;o=cmd_a,0,0,1,0,0,0,0,0,0::ended,1,NO",
    ],
)
def test_anything_else_breaks_the_contract(metadata):
    """Guessing might redrive twice."""
    with pytest.raises(BrokenContract):
        told_in(Committed(offset=1, metadata=metadata))


@pytest.mark.parametrize("text", ["", "cmd;a", "cmd_a\n", "c" * 65])
def test_an_id_that_would_break_the_metadata_is_none(text):
    """Ours never do."""
    assert not is_command_id(text)
    assert is_command_id(ID)
