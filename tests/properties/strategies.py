"""Every Hypothesis strategy: what the domain's values look like."""

from datetime import timedelta

from hypothesis import strategies as st

from hooklane.domain.attempt import Outcome
from hooklane.domain.cursor import Cursor
from hooklane.domain.delivery import Progress, from_ms
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement
from hooklane.domain.retry import DEFAULT_TIERS
from hooklane.domain.subscription import Subscription

# Instants as records carry them: whole milliseconds.
INSTANTS = st.integers(86_400_000, 220_000_000_000_000).map(from_ms)
TIERS = st.sets(st.sampled_from(DEFAULT_TIERS), min_size=1).map(lambda tiers: tuple(sorted(tiers)))
WAITS = st.timedeltas(timedelta(0), timedelta(hours=24))
SEEDS = st.integers(0, 2**32)
OUTCOMES = st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.NONE])
STATUSES = st.none() | st.integers(100, 599)
HEADER_TEXTS = st.none() | st.text(max_size=40)
RAW_HEADERS = st.none() | st.lists(
    st.tuples(
        st.sampled_from(["attempts-made", "waiting-since", "not-before", "hops", "reason", "x"]),
        st.none() | st.binary(max_size=20) | st.integers().map(lambda n: b"%d" % n),
    )
)
PROGRESSES = st.builds(
    Progress,
    waiting_since=INSTANTS,
    attempts_made=st.integers(0, 1000),
    schedule_step=st.integers(0, 30),
    hops=st.integers(0, 5),
    not_before=st.none() | INSTANTS,
    first_attempt_at=st.none() | INSTANTS,
    last_outcome=st.sampled_from(["", *(outcome.value for outcome in Outcome)]),
    reason=st.text(max_size=20),
)
WORDS = st.sampled_from(["order", "user", "created", "line"])
EVENT_TYPES = st.lists(WORDS, min_size=2, max_size=4).map(".".join)
PATTERNS = (
    EVENT_TYPES
    | st.lists(WORDS, min_size=1, max_size=3).map(lambda words: ".".join(words) + ".*")
    | st.just("*")
)
TENANTS = st.sampled_from(["acme", "globex"])
PLACEMENTS = st.none() | st.builds(Placement, topic=st.just("t.lane.a"), partition=st.just(0))
ENDPOINTS = st.builds(
    Endpoint,
    endpoint_id=st.integers(0, 9).map(lambda number: f"ep_{number}"),
    tenant=TENANTS,
    revision=st.integers(1, 9),
    state=st.sampled_from(EndpointState),
    url=st.just("https://example.com/"),
    subscription=st.lists(PATTERNS, min_size=1, max_size=4, unique=True).map(
        lambda patterns: Subscription(patterns=tuple(patterns))
    ),
    secrets=st.just(()),
    sealed_headers=st.none(),
    timeout=st.just(timedelta(seconds=15)),
    retry_schedule=st.just(()),
    placement=PLACEMENTS,
)
SECRET_KEYS = st.binary(min_size=24, max_size=64)
PAYLOADS = st.binary(max_size=200)
OFFSETS = st.integers(0, 2**40)
CURSORS = st.builds(
    Cursor,
    command_id=st.from_regex(r"cmd_[a-z2-7]{26}", fullmatch=True),
    command_offset=OFFSETS,
    ends=st.lists(OFFSETS, max_size=50).map(tuple),
    partition=st.integers(0, 400),
    slices=st.integers(1, 64),
    slice=st.integers(0, 63),
    done=OFFSETS,
    count=OFFSETS,
    seen=OFFSETS,
    refused=OFFSETS,
    begun_ms=OFFSETS,
)
