"""Health is the same however attempts are cut into batches, and its events take turns."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain import operational
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.health import SLOTS, Health, Met, Rules, observed
from hooklane.domain.operational import TYPES

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CALM = Health(endpoint_id="ep_a", tenant="acme")
RULES = Rules(failing_after=2, dead_per_minute_max=3)


@st.composite
def attempts(draw, types=("order.created", operational.DEAD)):
    """Draw attempts in the order they began."""
    times = sorted(draw(st.lists(st.integers(0, 7_200), max_size=30)))
    return [
        Met(
            f"att_{number}", f"dlv_{number}", "evt_a", draw(st.sampled_from(types)),
            to_ms(NOW + timedelta(seconds=at)), draw(st.sampled_from(list(Outcome))),
            latency_ms=draw(st.none() | st.integers(0, 60_000)), is_dead=draw(st.booleans()),
        )
        for number, at in enumerate(times)
    ]  # fmt: skip


@given(attempts(), st.integers(0, 30))
def test_two_batches_give_what_one_gives(found, cut):
    """Whichever control process takes which part, the row and what is told are the same."""
    now = NOW + timedelta(hours=2)
    whole, told = observed(CALM, found, rules=RULES, now=now)
    half, first = observed(CALM, found[:cut], rules=RULES, now=now)
    both, second = observed(half, found[cut:], rules=RULES, now=now)
    assert (both, [*first, *second]) == (whole, told)


@given(attempts())
def test_failing_and_recovered_take_turns_and_a_row_stays_small(found):
    """A tenant that follows the two knows the state; every event has an identity of its own."""
    health, told = observed(CALM, found, rules=RULES, now=NOW + timedelta(hours=2))
    states = [event.event_type for event in told if event.event_type != operational.DEAD]
    turns = (operational.FAILING, operational.RECOVERED)
    assert states == [turns[number % 2] for number in range(len(states))]
    assert len({event.id_in_source for event in told}) == len(told)
    assert len(health.slots) <= SLOTS


@given(attempts(types=TYPES))
def test_deliveries_of_operational_events_alone_tell_nothing(found):
    """There is no loop, whatever they meet."""
    assert observed(CALM, found, rules=RULES, now=NOW + timedelta(hours=2))[1] == []
