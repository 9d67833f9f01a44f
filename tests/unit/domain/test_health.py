"""Health: runs of failures, the last hour, what is told and what is not."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.domain import operational
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.health import (
    SLOTS,
    Health,
    HealthState,
    Met,
    Rules,
    begun_anew,
    is_hopeless,
    last_hour,
    observed,
)

NOW = datetime(2026, 3, 1, 8, 2, tzinfo=UTC)
RULES = Rules(failing_after=3, disable_attempts_min=3, dead_per_minute_max=2)
CALM = Health(endpoint_id="ep_a", tenant="acme")
S = timedelta(seconds=1)
_numbers = itertools.count()


def met(outcome=Outcome.REJECTED, *, at=0, **fields):
    number = next(_numbers)
    about = {
        "attempt_id": f"att_{number}", "delivery_id": f"dlv_{number}", "event_id": "evt_a",
        "event_type": "order.created", "status": 500, **fields,
    }  # fmt: skip
    return Met(at_ms=to_ms(NOW + at * S), outcome=outcome, **about)


def won(*, at=0, **fields):
    return met(Outcome.SUCCEEDED, at=at, **{"status": 200, **fields})


def after(*attempts, health=CALM, rules=RULES, now=NOW):
    return observed(health, attempts, rules=rules, now=now)


def types(events):
    return [event.event_type for event in events]


def test_so_many_failures_in_a_row_make_an_endpoint_failing():
    """It is told once, with since when and what it met last."""
    health, told = after(*(met(at=n) for n in range(2)))
    assert (health.state, told) == (HealthState.HEALTHY, [])
    health, told = after(met(Outcome.TIMED_OUT, at=2, status=None), met(at=3), health=health)
    assert (health.state, health.consecutive_failures) == (HealthState.FAILING, 4)
    assert types(told) == [operational.FAILING]
    assert told[0].values == {
        "endpoint_id": "ep_a",
        "failing_since": told[0].values["failing_since"],
        "consecutive_failures": 3,
        "last_outcome": "timed_out",
        "last_status": None,
    }
    assert (health.failing_since, health.last_failure_at) == (NOW, NOW + 3 * S)


def test_a_success_ends_the_run_and_is_told_if_the_failing_was():
    """Failing and recovered take turns."""
    failing, _ = after(*(met(at=n) for n in range(3)))
    health, told = after(won(at=5), health=failing)
    assert types(told) == [operational.RECOVERED]
    assert told[0].values["consecutive_failures"] == 3
    assert (health.state, health.failing_since) == (HealthState.HEALTHY, None)
    assert (health.consecutive_failures, health.last_success_at) == (0, NOW + 5 * S)
    short, _ = after(met())
    assert after(won(at=1), health=short)[1] == []


def test_attempts_are_taken_in_the_order_they_began():
    """Whatever the order they are read in."""
    health, _ = after(won(at=9), met(at=1), met(at=0))
    assert (health.consecutive_failures, health.last_success_at) == (0, NOW + 9 * S)


def test_what_is_older_than_what_is_known_moves_no_run():
    """Partitions of the attempt log are not read at one pace."""
    health, _ = after(won(at=10))
    late, _ = after(met(at=5), health=health)
    assert (late.consecutive_failures, late.failing_since) == (0, None)
    failing, _ = after(met(at=20), health=health)
    late, _ = after(won(at=15), health=failing)
    assert (late.consecutive_failures, late.last_success_at) == (1, NOW + 15 * S)
    late, _ = after(met(at=18), health=failing)
    assert (late.failing_since, late.last_failure_at) == (NOW + 18 * S, NOW + 20 * S)
    assert after(won(at=4), health=health)[0].last_success_at == NOW + 10 * S


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NONE])
def test_our_own_errors_say_nothing_of_an_endpoint(outcome):
    """Nor does what had no request."""
    health, told = after(*(met(outcome, at=n) for n in range(5)))
    assert (health, told) == (CALM, [])


def test_only_failure_for_long_enough_is_hopeless():
    """Both the time and the attempts; 0 never disables."""
    day = 86_400
    long, _ = after(met(), met(at=day), met(at=5 * day), rules=RULES, now=NOW + timedelta(days=5))
    assert is_hopeless(long, RULES)
    assert not is_hopeless(long, Rules(disable_attempts_min=4))
    assert not is_hopeless(long, Rules(disable_attempts_min=3, disable_after=timedelta(days=6)))
    assert not is_hopeless(long, Rules(disable_attempts_min=3, disable_after=timedelta(0)))
    assert not is_hopeless(CALM, RULES)


def test_a_run_begun_anew_keeps_what_was_told():
    """So the next success is told as the recovery."""
    failing, _ = after(*(met(at=n) for n in range(3)))
    anew = begun_anew(failing)
    assert (anew.state, anew.consecutive_failures) == (HealthState.HEALTHY, 0)
    assert not is_hopeless(anew, RULES)
    assert types(after(won(at=9), health=anew)[1]) == [operational.RECOVERED]
    again, told = after(*(met(at=n) for n in range(3, 6)), health=anew)
    assert (again.state, told) == (HealthState.FAILING, [])


def test_a_dead_delivery_is_told_with_its_reason():
    """Also where it died without a request."""
    _, told = after(
        met(is_dead=True, reason="exhausted", number=10),
        met(Outcome.NONE, is_dead=True, reason="endpoint_disabled", number=0, status=None),
    )
    assert types(told) == [operational.DEAD] * 2
    assert (told[0].values["reason"], told[0].values["attempt_number"]) == ("exhausted", 10)
    assert (told[1].values["last_outcome"], told[1].values["more"]) == ("none", 0)
    assert told[0].id_in_source != told[1].id_in_source


def test_a_minute_tells_so_many_dead_and_then_how_many_more():
    """Three are held back; when the minute is over one event counts them."""
    health, told = after(*(met(at=n, is_dead=True) for n in range(5)), rules=RULES)
    assert types(told).count(operational.DEAD) == 2
    assert after(health=health, now=NOW + 59 * S)[1] == []
    health, told = after(health=health, now=NOW + 60 * S)
    assert types(told) == [operational.DEAD]
    assert (told[0].values["more"], told[0].values["delivery_id"]) == (3, None)
    _, told = after(met(is_dead=True), health=health, now=NOW + 61 * S)
    assert told[-1].values["more"] == 0


def test_a_minute_with_nothing_held_back_ends_silently():
    """One dead delivery, then none."""
    health, _ = after(met(is_dead=True))
    health, told = after(health=health, now=NOW + 70 * S)
    assert (told, health.dead_window_at) == ([], None)


@pytest.mark.parametrize("event_type", operational.TYPES)
def test_deliveries_of_operational_events_raise_no_further_event(event_type):
    """However often they fail, and though they die: else they would go round for ever."""
    attempts = [met(at=n, event_type=event_type, is_dead=True) for n in range(20)]
    health, told = after(*attempts)
    assert told == []
    assert (health.state, health.dead_untold) == (HealthState.FAILING, 0)
    assert types(after(met(at=30), health=health)[1]) == [operational.FAILING]


def test_the_last_hour_has_rate_and_p95():
    """Nineteen fast ones and a slow one: the slow one is not within 95 %."""
    fast = [won(at=n, latency_ms=9) for n in range(19)]
    health, _ = after(*fast, met(at=20, latency_ms=40_000))
    hour = last_hour(health, now=NOW)
    assert (hour.attempts, hour.successes, hour.success_rate) == (20, 19, 0.95)
    assert hour.p95_ms == 10
    slow, _ = after(met(at=21, latency_ms=900), health=health)
    assert last_hour(slow, now=NOW).p95_ms == 1_000


def test_an_empty_hour_has_no_rate():
    """Nothing was attempted, or what was is without times."""
    hour = last_hour(CALM, now=NOW)
    assert (hour.attempts, hour.success_rate, hour.p95_ms) == (0, None, None)
    assert last_hour(after(won())[0], now=NOW).p95_ms is None


def test_the_hour_passes_and_a_row_never_grows():
    """What is older than twelve slots is gone, what a fast clock dates ahead counts now."""
    health = CALM
    for minute in range(0, 180, 5):
        now = NOW + timedelta(minutes=minute)
        health, _ = after(won(at=minute * 60), health=health, now=now)
        assert len(health.slots) <= SLOTS
    assert last_hour(health, now=NOW + timedelta(minutes=175)).attempts == SLOTS
    assert last_hour(health, now=NOW + timedelta(minutes=400)).attempts == 0
    ahead, _ = after(won(at=7_200))
    assert last_hour(ahead, now=NOW).attempts == 1
