from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.control.health import READER, Watch, met_of
from hooklane.domain import operational
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.health import HealthState, Rules
from hooklane.domain.topics import Partition
from support.control import draft
from support.recording import attempt_value

RULES = Rules(failing_after=3, disable_attempts_min=3, dead_per_minute_max=2)
DAY = timedelta(days=1)


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


@pytest.fixture
def watch(bench, endpoint_id):
    found = a_watch(bench)
    found.step()
    return found


def a_watch(bench, store=None):
    return Watch(
        store or bench.store, bench.reader(), topics=bench.topics, rules=RULES, clock=bench.clock,
        log=bench.log,
    )  # fmt: skip


@pytest.fixture
def attempted(bench, endpoint_id):
    """Write attempts of the endpoint, the next a second after the one before."""
    numbers = iter(range(1, 1_000))
    producer = bench.cluster.producer(instance="test.deliverer.0")

    def write(count=1, *, succeeds=False, **fields):
        for _ in range(count):
            bench.clock.advance(timedelta(seconds=1))
            met = {"outcome": "succeeded", "status": 200, "verdict": "delivered"}
            about = {
                "endpoint_id": endpoint_id,
                "started_at": to_ms(bench.clock.now()),
                **(met if succeeds else {}),
                **fields,
            }
            number = next(numbers)
            value = codec("attempt").encode(attempt_value(number, **about))
            producer.produce(bench.topics.attempts, value, key=f"dlv_{number}".encode())
        producer.flush(timedelta(seconds=1))

    return write


def told(bench):
    owed = bench.store.owed_events(1_000, event_types=operational.TYPES)
    return [one.event.event_type for one in owed if one.event.event_type != operational.CREATED]


def test_failures_in_a_row_are_seen_and_told_once(bench, watch, attempted, endpoint_id):
    """And the recovery too, with a line in the log for each."""
    attempted(5)
    watch.step()
    health = bench.store.health(endpoint_id)
    assert (health.state, health.consecutive_failures) == (HealthState.FAILING, 5)
    attempted(succeeds=True)
    watch.step()
    assert told(bench) == [operational.FAILING, operational.RECOVERED]
    words = [what for what, _ in bench.lines if what.startswith("endpoint.")]
    assert words == ["endpoint.failing", "endpoint.recovered"]


def test_nothing_but_failure_for_days_disables(api, bench, watch, attempted, endpoint_id):
    """By a revision whose reason is `failing`, told like any other."""
    attempted(2)
    bench.clock.advance(5 * DAY)
    attempted()
    watch.step()
    shown = api.get(f"/v1/endpoints/{endpoint_id}").json()
    assert (shown["state"], shown["state_reason"]) == ("disabled", "failing")
    assert told(bench) == [operational.FAILING, operational.DISABLED]
    bench.ring()
    assert bench.announced()[-1][1]["state_reason"] == "failing"
    attempted()
    watch.step()
    assert api.get(f"/v1/endpoints/{endpoint_id}").json()["revision"] == shown["revision"]


def test_enabled_by_hand_it_has_five_days_again(api, bench, watch, attempted, endpoint_id):
    """The failures before do not count any more."""
    attempted(2)
    bench.clock.advance(5 * DAY)
    attempted()
    watch.step()
    api.post(f"/v1/endpoints/{endpoint_id}/enable")
    attempted(5)
    watch.step()
    assert api.get(f"/v1/endpoints/{endpoint_id}").json()["state"] == "active"


def test_who_changed_an_endpoint_meanwhile_has_seen_to_it(api, bench, watch, attempted):
    """Judged at an older revision it is not disabled."""
    (kept,) = api.get("/v1/endpoints").json()["items"]
    watch._disable(kept["id"], kept["revision"] + 1)
    watch._disable("ep_nobody", 1)
    assert api.get(f"/v1/endpoints/{kept['id']}").json()["state"] == "active"
    assert [what for what, _ in bench.lines if what == "endpoint.disabled"] == []


def test_dead_deliveries_are_told_so_many_a_minute(bench, watch, attempted, endpoint_id):
    """The rest is counted in one event, also where no further attempt comes."""
    attempted(7, verdict="dead", reason="exhausted")
    watch.step()
    assert told(bench).count(operational.DEAD) == 2
    bench.clock.advance(timedelta(seconds=61))
    watch.step()
    owed = bench.store.owed_events(100, event_types=[operational.DEAD])
    assert [one.event.values["more"] for one in owed] == [0, 0, 5]
    bench.clock.advance(timedelta(seconds=61))
    watch.step()
    assert told(bench).count(operational.DEAD) == 3


def test_operational_deliveries_that_die_raise_no_further_event(bench, watch, attempted):
    """Nothing goes round in a loop."""
    for event_type in operational.TYPES:
        attempted(5, type=event_type, verdict="dead", reason="exhausted")
    watch.step()
    bench.clock.advance(timedelta(minutes=2))
    watch.step()
    assert told(bench) == []


def test_probes_unknown_endpoints_and_garbage_count_for_nothing(
    bench, watch, attempted, endpoint_id
):
    """And stop nobody."""
    attempted(5, trigger="probe")
    attempted(endpoint_id="ep_nobody")
    producer = bench.cluster.producer(instance="x")
    producer.produce(bench.topics.attempts, b"garbage", key=b"k")
    watch.step()
    assert bench.store.health(endpoint_id) is None
    assert sum(bench.store.offsets(READER).values()) == 7


def test_a_first_start_begins_at_the_end_and_a_restart_where_sql_says(
    bench, attempted, endpoint_id
):
    """Old deaths are not told as new ones, and no attempt counts twice."""
    attempted(5, verdict="dead")
    first = a_watch(bench)
    first.step()
    assert bench.store.health(endpoint_id) is None
    attempted(2)
    first.step()
    first.close()
    attempted(1)
    a_watch(bench).step()
    assert bench.store.health(endpoint_id).consecutive_failures == 3


def test_of_two_control_processes_each_attempt_is_counted_by_one(
    bench, watch, attempted, endpoint_id
):
    """The loser rolls back, stands by for a while, then reads on where the other came to."""
    other = a_watch(bench)
    other.step()
    attempted(4)
    watch.step()
    other.step()
    other.step()
    attempted(4)
    bench.clock.advance(timedelta(seconds=3))
    other.step()
    watch.step()
    assert bench.store.health(endpoint_id).consecutive_failures == 8
    assert told(bench) == [operational.FAILING]


class Away:
    """A store that is away once, when attempts are to be taken in."""

    def __init__(self, store):
        self._store, self.failures = store, 1

    def __getattr__(self, name):
        return getattr(self._store, name)

    def observe(self, *arguments, **named):
        if self.failures:
            self.failures -= 1
            raise Unavailable("database")
        return self._store.observe(*arguments, **named)


def test_what_was_read_while_the_database_was_away_is_read_again(bench, attempted, endpoint_id):
    """Nothing is passed over."""
    found = a_watch(bench, Away(bench.store))
    found.step()
    attempted(4)
    with pytest.raises(Unavailable):
        found.step()
    found.step()
    assert bench.store.health(endpoint_id).consecutive_failures == 4


def test_a_gap_is_told_and_read_past(bench, watch, attempted, endpoint_id):
    """Records that expired before they were read are gone."""
    attempted(4)
    ends = bench.admin.ends([Partition(bench.topics.attempts, n) for n in range(2)])
    bench.admin.delete_records({part: end for part, (_, end) in ends.items()})
    again = a_watch(bench)
    again.step()
    attempted(1)
    again.step()
    assert bench.store.health(endpoint_id).consecutive_failures == 1
    assert "attempts.gap_found" in [what for what, _ in bench.lines]


def test_an_outcome_of_a_newer_release_counts_for_nothing():
    """Old and new run together while a deployment rolls; a time that is none is a broken record."""
    assert met_of(attempt_value(1, outcome="unknown")).outcome is Outcome.NONE
    with pytest.raises(BrokenContract):
        met_of(attempt_value(1, started_at=-1))
