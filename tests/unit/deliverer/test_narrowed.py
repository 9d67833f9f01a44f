"""What narrows a lane is told: on the twin, as control reads it."""

from hooklane.adapters.codec import codec
from hooklane.adapters.memory import ManualClock
from hooklane.deliverer.lane import Gate, Lane
from hooklane.deliverer.narrowed import LANES_MAX, Narrowed
from hooklane.domain.topics import Partition
from support.posting import OK, SECOND, TOPICS, DelivererBench, answer_all, status


def told(bench):
    value = codec("position").decode(bench.records(TOPICS.positions)[-1].value())
    return {lane["endpoint_id"]: lane for lane in value["lanes"]}


def test_plain_lanes_are_not_told_of():
    """Nothing narrows them."""
    bench = DelivererBench(in_flight_adaptive=True)
    bench.deliver(bench.endpoint(), 50)
    bench.run(bench.deliverer(), 3 * SECOND)
    assert told(bench) == {}


def test_a_lane_is_told_with_what_narrows_it_and_until_when():
    """Broken, held, throttled, limited; and no more once it is over."""
    bench = DelivererBench(in_flight_adaptive=True, breaker_attempts_min=20)
    broken, held, limited = (bench.endpoint(f"ep_{name}") for name in ("broken", "held", "few"))
    throttled = bench.endpoint("ep_slow", rate_per_s=5)
    for endpoint in (broken, held, limited, throttled):
        bench.deliver(endpoint, 100)
    answers = {
        "ep_broken": status(500), "ep_held": status(429, retry_after="60"),
        "ep_few": status(503), "ep_slow": OK,
    }  # fmt: skip

    def rule(request):
        flight = request.context
        seconds = 1.0 if flight.lane.endpoint_id == "ep_few" else 0.01
        return seconds, answers[flight.lane.endpoint_id]

    bench.sender.rule = rule
    deliverer = bench.deliverer()
    bench.run(deliverer, 3 * SECOND)
    found = told(bench)
    assert {name: lane["state"] for name, lane in found.items()} == {
        "ep_broken": "broken", "ep_held": "held", "ep_few": "limited", "ep_slow": "throttled",
    }  # fmt: skip
    assert found["ep_few"]["in_flight_limit"] < 8
    now_ms = bench.clock.now_ms()
    assert now_ms < found["ep_broken"]["until"] < found["ep_held"]["until"] <= now_ms + 60_000
    assert found["ep_slow"]["until"] is None
    answer_all(bench, OK)
    bench.run(deliverer, 90 * SECOND)
    assert told(bench) == {}


def test_a_trial_is_told_as_half_open():
    """While its answer is waited for."""
    bench = DelivererBench(breaker_attempts_min=20)
    bench.deliver(bench.endpoint(), 100)
    began = bench.clock.monotonic()
    bench.sender.rule = lambda _: (
        (0.01, status(500)) if bench.clock.monotonic() - began < 1 else (None, OK)
    )
    bench.run(bench.deliverer(), 4 * SECOND)
    assert {name: lane["state"] for name, lane in told(bench).items()} == {"ep_a": "half_open"}


def test_the_gravest_are_told_of_where_there_are_too_many():
    """At most 200, once a second."""
    lanes = [Lane(Partition(f"t.lane.{n}", 0), f"ep_{n}") for n in range(LANES_MAX + 50)]
    for lane in lanes:
        lane.gate = Gate.HELD
    lanes[-1].throttled_until_ms, lanes[-1].buckets, lanes[-1].gate = 1.0, (None,), Gate.THROTTLED
    looked = Narrowed(ManualClock())
    found = looked.look(lanes)
    assert {lane["state"] for lane in found} == {"held"}
    assert (LANES_MAX, found) == (len(found), looked.look([]))
