"""The guilty event is found, and nobody else is."""

from hooklane.domain.topics import Partition
from hooklane.matcher.suspicion import Suspicion

P, Q = Partition("events.order", 0), Partition("events.order", 1)


def test_batches_shrink_to_one_event_and_grow_again():
    """A quarter each time an abort comes, four times as many after a success."""
    suspicion = Suspicion(100)
    for count, expected in ((100, 25), (25, 6), (6, 1)):
        suspicion.failed((P, 0), events_count=count)
        assert suspicion.limit == expected
    for expected in (4, 16, 64, 100, 100):
        suspicion.succeeded({P: 1})
        assert suspicion.limit == expected


def test_an_event_is_guilty_once_it_failed_alone_twice_and_another_did_not():
    """In between the cluster has to take a transaction."""
    suspicion = Suspicion(100)
    suspicion.failed((P, 5), events_count=1)
    assert suspicion.wants_proof
    suspicion.succeeded({})
    assert not suspicion.wants_proof
    assert not suspicion.is_guilty((P, 5))
    suspicion.failed((P, 5), events_count=1)
    assert suspicion.is_guilty((P, 5))
    assert not suspicion.wants_proof


def test_without_proof_nobody_is_guilty():
    """However often it fails."""
    suspicion = Suspicion(100)
    for _ in range(10):
        suspicion.failed((P, 5), events_count=1)
    assert not suspicion.is_guilty((P, 5))
    assert suspicion.wants_proof


def test_a_verdict_stands_until_its_record_is_passed():
    """Other partitions' successes and failures do not change it."""
    suspicion = Suspicion(100)
    suspicion.failed((P, 5), events_count=1)
    suspicion.succeeded({Q: 9})
    suspicion.failed((P, 5), events_count=1)
    suspicion.succeeded({Q: 10})
    suspicion.failed((Q, 10), events_count=1)
    suspicion.succeeded({P: 5})
    assert suspicion.is_guilty((P, 5))
    suspicion.succeeded({P: 6})
    assert not suspicion.is_guilty((P, 5))
    assert suspicion.limit == 4
