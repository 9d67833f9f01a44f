"""The guilty event is found, and nobody else is."""

from hooklane.domain.topics import Partition
from hooklane.matcher.suspicion import PROVEN_FOR_S, Suspicion

P, Q = Partition("events.order", 0), Partition("events.order", 1)
LATER = PROVEN_FOR_S


def test_batches_shrink_to_one_event_and_grow_again():
    """A quarter each time an abort comes, four times as many after a success."""
    suspicion = Suspicion(100)
    for count, expected in ((100, 25), (25, 6), (6, 1)):
        suspicion.failed((P, 0), events_count=count, at_s=0)
        assert suspicion.limit == expected
    for expected in (4, 16, 64, 100, 100):
        suspicion.succeeded({P: 1}, at_s=0)
        assert suspicion.limit == expected


def test_an_event_is_guilty_once_it_goes_on_failing_alone_while_others_do_not():
    """Before each failure that counts the cluster has to take a transaction."""
    suspicion = Suspicion(100)
    suspicion.failed((P, 5), events_count=1, at_s=0)
    for at_s in (0, LATER - 1):
        assert suspicion.wants_proof
        suspicion.succeeded({}, at_s=at_s)
        assert not suspicion.wants_proof
        suspicion.failed((P, 5), events_count=1, at_s=at_s)
        assert not suspicion.is_guilty((P, 5))
    suspicion.succeeded({}, at_s=LATER)
    suspicion.failed((P, 5), events_count=1, at_s=LATER)
    assert suspicion.is_guilty((P, 5))
    assert not suspicion.wants_proof


def test_a_cluster_that_wavers_blames_nobody():
    """A proof that fails begins the time anew."""
    suspicion = Suspicion(100)
    suspicion.failed((P, 5), events_count=1, at_s=0)
    suspicion.succeeded({}, at_s=0)
    suspicion.failed((P, 5), events_count=1, at_s=1)
    suspicion.unproven()
    suspicion.succeeded({}, at_s=LATER)
    suspicion.failed((P, 5), events_count=1, at_s=LATER)
    assert not suspicion.is_guilty((P, 5))


def test_what_kafka_refuses_for_what_it_is_needs_no_time():
    """Failed alone twice, with another's success in between, and it is guilty."""
    suspicion = Suspicion(100)
    suspicion.failed((P, 5), events_count=1, at_s=0, is_certain=True)
    assert not suspicion.is_guilty((P, 5))
    suspicion.succeeded({}, at_s=0)
    suspicion.failed((P, 5), events_count=1, at_s=0, is_certain=True)
    assert suspicion.is_guilty((P, 5))


def test_without_proof_nobody_is_guilty():
    """However often and long it fails."""
    suspicion = Suspicion(100)
    for turn in range(10):
        suspicion.failed((P, 5), events_count=1, at_s=turn * LATER)
    assert not suspicion.is_guilty((P, 5))
    assert suspicion.wants_proof


def test_a_verdict_stands_until_its_record_is_passed():
    """Other partitions' successes and failures do not change it."""
    suspicion = Suspicion(100)
    suspicion.failed((P, 5), events_count=1, at_s=0)
    suspicion.succeeded({Q: 9}, at_s=0)
    suspicion.failed((P, 5), events_count=1, at_s=LATER)
    suspicion.succeeded({Q: 10}, at_s=LATER)
    suspicion.failed((Q, 10), events_count=1, at_s=LATER)
    suspicion.succeeded({P: 5}, at_s=LATER)
    assert suspicion.is_guilty((P, 5))
    suspicion.succeeded({P: 6}, at_s=LATER)
    assert not suspicion.is_guilty((P, 5))
    assert suspicion.limit == 4
