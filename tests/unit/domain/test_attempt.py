"""What an attempt met is a value."""

from hooklane.domain.attempt import Outcome, Timings


def test_the_outcomes_are_those_of_the_design():
    """And one for an Attempt without a request."""
    names = "succeeded rejected unreachable timed_out blocked failed none"

    assert [outcome.value for outcome in Outcome] == names.split()


def test_a_part_that_did_not_happen_took_no_time():
    """None is not zero."""
    assert Timings(total=3).dns is None
