"""An endpoint's states are a table, and nothing else is a step."""

import itertools
from datetime import timedelta

import pytest

from hooklane.domain.endpoint import TRANSITIONS, Batch, Cause, EndpointState, next_state
from hooklane.domain.errors import Conflict


@pytest.mark.parametrize(("step", "after"), TRANSITIONS.items())
def test_a_step_of_the_table_is_followed(step, after):
    """State and cause give the next state."""
    assert next_state(*step) == after


@pytest.mark.parametrize(
    "step", [step for step in itertools.product(EndpointState, Cause) if step not in TRANSITIONS]
)
def test_any_other_step_is_a_conflict(step):
    """And its text says what was asked of which state."""
    with pytest.raises(Conflict, match=f"cannot {step[1].value} .* {step[0].value}"):
        next_state(*step)


def test_nothing_leads_out_of_deleted():
    """Deletion is final."""
    assert [step for step in TRANSITIONS if step[0] is EndpointState.DELETED] == []


def test_a_batch_waits_in_milliseconds():
    """As its record and the API say it."""
    assert Batch(count_max=2, wait=timedelta(seconds=1.5)).wait_ms == 1_500
