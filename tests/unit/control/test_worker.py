import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.control.comparison import Comparison
from hooklane.control.disabling import Disabling
from hooklane.control.worker import Bell, Control, Pace, Parts
from hooklane.domain.errors import Unavailable
from support.control import draft

PACE = Pace(commands=timedelta(0), lanes=timedelta(seconds=10), comparison=timedelta(days=1))


class Server:
    """An API that answers nobody."""

    def __init__(self):
        self.said = []

    def start(self):
        self.said.append("start")

    def stop(self):
        self.said.append("stop")


class Still:
    """A loop that runs only when a test does."""

    trouble = failure = None

    def stop(self, *, wake=None):
        """Do nothing."""


@pytest.fixture
def control(bench):
    bench.server = Server()
    parts = Parts(
        upgrade=bench.world.upgrade,
        prepare=lambda admin: admin.topics(),
        store=bench.store,
        admin=bench.admin,
        topics=bench.topics,
        relay=bench.relay,
        board=bench.board,
        positions=bench.positions,
        disabling=Disabling(bench.store, bench.reader(), topics=bench.topics, clock=bench.clock),
        lanes=bench.lanes,
        comparison=Comparison(bench.store, bench.reader, topics=bench.topics, clock=bench.clock),
        server=bench.server,
        bell=Bell(),
        clock=bench.clock,
        log=bench.log,
    )
    found = Control(parts, pace=PACE)
    found._loops = (Still(), Still())
    return found


def test_it_answers_before_kafka_does(bench, control):
    """Callers are served while the topics can't be reached, and by one server only."""
    bench.cluster.down()
    for _ in range(2):
        with pytest.raises(Unavailable):
            control.start()
    assert bench.server.said == ["start"]
    bench.cluster.up()
    control.start()
    assert bench.server.said == ["start"]


def test_a_step_takes_disable_in_and_rings_the_relay(api, bench, control):
    """A 410 is published without waiting for the relay's own poll."""
    made = api.post("/v1/endpoints", json=draft()).json()
    control.start()
    bench.command("disable", made["id"], revision=1, reason="gone")
    control.step()
    assert bench.store.endpoint(made["id"]).endpoint.state_reason == "gone"
    assert control._parts.bell._rung.is_set()


def test_lanes_and_comparison_have_their_time(api, bench, control):
    """Lanes every ten seconds, the comparison once a day."""
    made = api.post("/v1/endpoints", json=draft()).json()
    api.delete(f"/v1/endpoints/{made['id']}")
    control.start()
    control.step()
    bench.clock.advance(timedelta(days=1))
    control.step()
    assert bench.store.endpoint(made["id"]).endpoint.placement is None


def test_a_loop_s_failure_ends_the_process(control):
    """The main thread raises it; the supervisor starts anew."""
    control.start()
    control._loops[0].failure = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        control.step()
    control._loops[0].failure = None


class Beside:
    """Work on a thread of its own that can't do it."""

    name = "beside"
    ring = None

    def __init__(self):
        self.tried, self.is_closed = threading.Event(), False

    def step(self):
        self.tried.set()
        raise Unavailable("registry")

    def close(self):
        self.is_closed = True


def test_trouble_beside_the_work_leaves_control_ready(control):
    """The registry is away: control answers and relays; at its end the threads end too."""
    beside = Beside()
    control._parts = replace(control._parts, asides=(beside,))
    control._loops = ()
    control.start()
    assert beside.tried.wait(10)
    assert (control.not_ready(), beside.ring) == (None, control._parts.bell.ring)
    control.step()
    control.stop()
    assert beside.is_closed


def test_readiness_tells_what_a_loop_waits_for(control):
    """The relay's trouble is control's."""
    assert control.not_ready() is None
    control._loops[1].trouble = "Kafka away"
    assert control.not_ready() == "Kafka away"
    control._loops[1].trouble = None


def test_a_stop_lets_the_hold_go(api, bench, control):
    """Another control takes over at once."""
    control.start()
    control._parts.relay.publish()
    control.stop()
    assert bench.server.said == ["start", "stop"]
    assert bench.store.is_free()
