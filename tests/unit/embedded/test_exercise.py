"""What a broker is trained on, tried on the twin."""

from datetime import timedelta

from hooklane.adapters.memory.clock import ManualClock
from hooklane.adapters.memory.cluster import Cluster
from hooklane.domain.errors import Unavailable
from hooklane.embedded.exercise import Clients, exercise


def the_clients(cluster):
    return Clients(
        admin=cluster.admin(),
        events=cluster.producer(instance="x"),
        matcher=cluster.member(group="x", instance="x"),
        fan_out=cluster.transactional_producer(transactional_id="x"),
        deliverer=cluster.member(group="y", instance="x"),
    )


def a_cluster():
    clock = ManualClock()
    # Each look at the cluster takes a little.
    return Cluster(clock, idle=clock.advance), clock


def test_events_are_fanned_out_until_the_time_is_over():
    """What is consumed is written in transactions."""
    cluster, clock = a_cluster()
    began = clock.now()

    class Hurrying(ManualClock):
        def monotonic(self):
            clock.advance(timedelta(milliseconds=10))
            return clock.monotonic()

    assert exercise(the_clients(cluster), seconds=5, clock=Hurrying()) > 100
    assert timedelta(seconds=5) <= clock.now() - began


def test_trouble_ends_it():
    """A broker that is stopped meanwhile is no news."""
    cluster, clock = a_cluster()
    cluster.fail_next("admin", Unavailable("stopped"))
    assert exercise(the_clients(cluster), seconds=5, clock=clock) == 0
