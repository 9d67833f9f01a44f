"""When the supervisor starts again what died."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hooklane.embedded.restart import DELAY_MAX, FIRST_DELAY, FORGIVEN_AFTER, Restarts

YOUNG = timedelta(milliseconds=10)


def test_the_first_restart_is_quick():
    """A transactional id that is back at once keeps its lanes readable."""
    assert timedelta(milliseconds=200) == Restarts().after(YOUNG).delay


def test_each_further_early_end_doubles_the_delay():
    """What keeps dying is tried less and less often."""
    thrice = Restarts().after(YOUNG).after(YOUNG).after(YOUNG)
    assert thrice.delay == FIRST_DELAY * 4


def test_a_program_that_ran_well_is_forgiven_its_past():
    """One crash a day never adds up."""
    often = Restarts(in_a_row=9)
    assert often.after(FORGIVEN_AFTER).delay == FIRST_DELAY


def test_what_never_ended_starts_without_delay():
    """The first start is no restart."""
    assert timedelta(0) == Restarts().delay


@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=60))
def test_the_delay_is_bounded_whatever_happened(lives):
    """Nothing waits longer than the limit, nor less than the first delay."""
    restarts = Restarts()
    for seconds in lives:
        restarts = restarts.after(timedelta(seconds=seconds))
        assert FIRST_DELAY <= restarts.delay <= DELAY_MAX
