"""Laws of an endpoint's flow against a simulated clock: limit, bucket, breaker."""

from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.breaker import Breaker, BreakerRules, BreakerState, failed, tried, waited
from hooklane.domain.in_flight import Window, again, capped, first_limit, reviewed
from hooklane.domain.token_bucket import TokenBucket

COUNTS = st.integers(0, 200)
WINDOWS = st.builds(
    lambda answers, failures, refused, latency_ms, is_used: Window(
        answers=answers, failed=min(answers, failures), refused=min(answers, failures, refused),
        latency_ms=latency_ms, is_used=is_used,
    ),
    st.integers(1, 200), COUNTS, COUNTS, st.floats(0, 60_000), st.booleans(),
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.integers(0, 100_000), st.one_of(WINDOWS, st.integers(1, 1_000), st.none())),
    max_size=60,
)


@given(cap=st.integers(1, 1_000), steps=STEPS)
def test_the_limit_is_between_one_and_the_cap(cap, steps):
    """Whatever is answered, and however the cap changes."""
    known, now_ms = first_limit(cap), 0
    for span, step in steps:
        now_ms += span
        if step is None:
            known = again(known)
        elif isinstance(step, int):
            known = capped(known, step)
        else:
            known = reviewed(known, step, now_ms=now_ms)
        assert 1 <= known.limit <= known.cap


@given(rate=st.integers(1, 2_000), spans=st.lists(st.floats(0, 3_000), max_size=200))
def test_a_bucket_never_gives_more_than_its_rate_and_a_burst(rate, spans):
    """In any span of time; and nobody gets a token before one who asked earlier."""
    bucket, now_ms, usable = TokenBucket(rate), 0.0, []
    for span in spans:
        now_ms += span
        usable.append(max(now_ms, bucket.reserve(now_ms)))
    assert usable == sorted(usable)
    for first in range(0, len(usable), 7):
        for last in range(first, len(usable), 5):
            span_s = (usable[last] - usable[first]) / 1_000
            assert last - first + 1 <= rate + rate * span_s + 1e-3


ANSWERS = st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), max_size=300)


@given(answers=ANSWERS)
def test_a_breaker_lets_one_trial_through_and_waits_longer_after_each(answers):
    """Open nothing starts; half open one does, and its answer is the only one that counts."""
    rules = BreakerRules(attempts_min=5, wait_ms=500, wait_ms_max=8_000)
    breaker, now_ms, openings = Breaker(), 0, 0
    trial_began_ms = None
    for span, succeeds in answers:
        now_ms += span
        breaker = waited(breaker, now_ms=now_ms, rules=rules)
        if breaker.state is BreakerState.OPEN:
            assert now_ms < breaker.until_ms <= breaker.since_ms + 8_000
        elif breaker.state is BreakerState.HALF_OPEN:
            assert trial_began_ms != now_ms or openings < breaker.openings
            trial_began_ms, openings = now_ms, breaker.openings
            breaker = tried(
                breaker, has_failed=not succeeds, began_ms=now_ms, now_ms=now_ms, rules=rules
            )
            expected = BreakerState.CLOSED if succeeds else BreakerState.OPEN
            assert expected is breaker.state
            if not succeeds:
                assert breaker.openings == openings + 1
        elif not succeeds:
            breaker = failed(breaker, attempts=1, now_ms=now_ms, rules=rules)
