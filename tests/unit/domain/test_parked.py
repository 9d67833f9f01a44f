"""What an ordered lane's commit says of its failing deliveries."""

import base64
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.delivery import EPOCH, Progress
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import METADATA_BYTES_MAX, SPAN_MAX, OffsetTracker
from hooklane.domain.parked import (
    KEYS_MAX,
    PARKED,
    Parked,
    decode_parked,
    encode_parked,
    parked,
)

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LAST = datetime(2105, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
times = st.integers(0, 4_000_000_000_000).map(lambda ms: EPOCH + ms * MS)
entries = st.builds(
    Parked,
    attempts_made=st.integers(0, 16_000),
    schedule_step=st.integers(0, 30),
    spared=st.integers(0, 15),
    last_outcome=st.sampled_from(["", "rejected", "unreachable", "timed_out", "blocked", "failed"]),
    not_before=times,
    first_attempt_at=times,
)


@given(st.dictionaries(st.integers(70, 10**7), entries, max_size=KEYS_MAX))
def test_what_is_written_is_read(found):
    """Every field of every delivery."""
    assert decode_parked(encode_parked(found, prefix=70), prefix=70) == found


@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode())))
def test_any_text_is_read_or_refused(text):
    """BrokenContract, and nothing else."""
    with contextlib.suppress(BrokenContract):
        decode_parked(text, prefix=0)


@pytest.mark.parametrize("text", ["=", "gA==", "AQ==", "/////////////////w==", "AAEBBwEB"])
def test_what_no_writer_wrote_is_refused(text):
    """No base64, a number cut off, an entry cut off, too long a number, an unknown outcome."""
    with pytest.raises(BrokenContract):
        decode_parked(text, prefix=0)


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_written_is_nothing_parked(text):
    """A lane's first commit has no metadata."""
    assert decode_parked(text, prefix=5) == {}


def test_an_outcome_of_a_later_version_is_forgotten():
    """Not a reason to stop a lane."""
    one = parked(a_progress(last_outcome="of later"))
    assert decode_parked(encode_parked({9: one}, prefix=0), prefix=0)[9].last_outcome == ""


def test_the_largest_progress_fits_beside_a_full_span():
    """As many keys as may fail at once, each as large as can be, half of the rest unfinished."""
    tracker = OffsetTracker(10**15)
    for offset in range(10**15, 10**15 + SPAN_MAX):
        tracker.receive(offset)
    for offset in range(10**15 + 1, 10**15 + SPAN_MAX, 2):
        tracker.finish(offset)
    one = parked(
        Progress(
            waiting_since=LAST,
            attempts_made=16_000,
            schedule_step=30,
            spared=15,
            not_before=LAST,
            first_attempt_at=LAST,
            last_outcome="failed",
        )
    )
    most = {10**15 + number * SPAN_MAX // KEYS_MAX: one for number in range(KEYS_MAX)}
    fields = {"t": f"{10**18 - 1}@{10**14 - 1}", PARKED: encode_parked(most, prefix=10**15)}
    assert len(tracker.commit(fields).metadata) < METADATA_BYTES_MAX


def test_progress_is_brought_up_to_now():
    """What the record knew since it entered the lane stays."""
    entered = Progress(waiting_since=START, attempts_made=4, hops=1, reason="")
    attempted = entered.attempted(at=START + 5 * MS, outcome="rejected").waiting(
        until=START + 9 * MS
    )
    assert parked(attempted).onto(entered) == Progress(
        waiting_since=START,
        attempts_made=5,
        schedule_step=1,
        not_before=START + 9 * MS,
        first_attempt_at=START + 5 * MS,
        last_outcome="rejected",
    )


def a_progress(**fields):
    return Progress(
        **{
            "waiting_since": START,
            "attempts_made": 1,
            "not_before": START,
            "first_attempt_at": START,
            **fields,
        }
    )
