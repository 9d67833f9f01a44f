"""The guard over the health that SQL keeps: told in time, and ended by itself."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.metrics import EXHAUSTION_GUARD
from hooklane.control.guarding import Guarding
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Unavailable
from hooklane.domain.guard import Reach, Rules
from support.control import draft
from support.observing import observe

MINUTE = timedelta(minutes=1)


@pytest.fixture
def endpoint_ids(api):
    return [api.post("/v1/endpoints", json=draft()).json()["id"] for _ in range(4)]


@pytest.fixture
def guarding(bench):
    found = Guarding(
        bench.store, topics=bench.topics, rules=Rules(), clock=bench.clock, log=bench.log
    )
    found.ring = bench.ring
    return found


def look(bench, guarding, *, after=timedelta(seconds=5)):
    # A little more than told, lest the sum of floats falls short of it.
    bench.clock.advance(after + timedelta(milliseconds=1))
    guarding.step()


def told(bench):
    """Give until when each guard that was told holds."""
    values = [codec("command").decode(one.value()) for one in bench.records(bench.topics.commands)]
    return [value["until"] for value in values if value["kind"] == "guard"]


def test_a_world_that_fails_raises_the_guard_and_renews_it(bench, guarding, endpoint_ids):
    """One command a minute while it lasts; then none, and it ends."""
    began = bench.clock.now()
    for number in range(60):
        if number % 12 == 0:
            observe(bench, endpoint_ids, Outcome.UNREACHABLE)
        look(bench, guarding)
    assert guarding.guard.reach == Reach(attempted=4, succeeded=0)
    untils = told(bench)
    assert untils[0] == to_ms(guarding.guard.since + 3 * MINUTE)
    assert guarding.guard.since - began < timedelta(seconds=6)
    gaps = [later - before for before, later in pairwise(untils)]
    assert (len(gaps), all(60_000 <= gap <= 66_000 for gap in gaps)) == (4, True)
    assert EXHAUSTION_GUARD._value.get() == 1

    observe(bench, endpoint_ids, Outcome.SUCCEEDED)
    count = len(told(bench))
    for _ in range(40):
        look(bench, guarding)
    assert (guarding.guard, len(told(bench)), EXHAUSTION_GUARD._value.get()) == (None, count, 0)
    assert [what for what, _ in bench.lines if what.startswith("guard.")] == [
        "guard.raised", "guard.ended",
    ]  # fmt: skip


def test_one_endpoint_of_four_that_succeeds_is_enough(bench, guarding, endpoint_ids):
    """Then the trouble is the receivers' own."""
    observe(bench, endpoint_ids, Outcome.REJECTED)
    observe(bench, endpoint_ids[:1], Outcome.SUCCEEDED)
    look(bench, guarding)

    assert (guarding.guard, told(bench)) == (None, [])


def test_it_looks_every_five_seconds(bench, guarding, endpoint_ids):
    """Between two looks it naps."""
    look(bench, guarding)
    observe(bench, endpoint_ids, Outcome.REJECTED)
    guarding.step()
    assert guarding.guard is None
    look(bench, guarding)
    assert guarding.guard is not None
    guarding.close()


def test_the_guard_is_shown_in_the_status(bench, guarding, endpoint_ids):
    """An operator sees why nothing is buried."""
    lookout = replace(bench.lookout, guard=lambda: guarding.guard)
    assert lookout.status()["exhaustion_guard"] is None
    observe(bench, endpoint_ids, Outcome.TIMED_OUT)
    look(bench, guarding)

    found = lookout.status()["exhaustion_guard"]

    assert (found["attempted"], found["succeeded"]) == (4, 0)
    assert found["since"] < found["until"]


def test_without_a_database_it_says_so(bench, endpoint_ids):
    """The loop backs off; the guard that was told runs on."""

    class Away:
        def reach(self, *, since):
            raise Unavailable("database")

    guarding = Guarding(Away(), topics=bench.topics, rules=Rules(), clock=bench.clock)
    with pytest.raises(Unavailable):
        guarding.step()
