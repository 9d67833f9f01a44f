"""Laws of a delivery's progress."""

from hypothesis import given

from hooklane.domain.delivery import from_ms, progress_of, to_ms
from hooklane.domain.errors import BrokenContract
from properties.strategies import INSTANTS, PROGRESSES, RAW_HEADERS


@given(PROGRESSES)
def test_headers_carry_the_whole_progress(progress):
    """Written and read it is the same."""
    assert progress_of(progress.headers()) == progress


@given(RAW_HEADERS)
def test_any_headers_are_progress_or_break_the_contract(headers):
    """Nothing else is raised, and what was read can be written."""
    try:
        progress = progress_of(headers)
    except BrokenContract:
        return
    assert progress.waiting_since == from_ms(to_ms(progress.waiting_since))


@given(PROGRESSES, INSTANTS)
def test_attempts_made_never_shrink(progress, at):
    """Through attempts, waits, hops, death and redrive."""
    attempted = progress.attempted(at=at, outcome="rejected")
    later = attempted.waiting(until=at).hopped().died("gone").redriven(at=at)

    assert later.attempts_made == progress.attempts_made + 1
    assert later.schedule_step == 0
