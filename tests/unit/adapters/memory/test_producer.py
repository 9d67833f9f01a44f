"""The twin's plain producer."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.topics import Partition

NO_WAIT = timedelta(0)


def test_a_failure_is_told_once_at_flush(cluster):
    """And what was written beside it stays written."""
    producer = cluster.producer(instance="w")
    producer.produce("gone", b"0", key=None)
    producer.produce("t", b"1", key=None)
    with pytest.raises(Unavailable):
        producer.flush(NO_WAIT)
    producer.flush(NO_WAIT)
    assert cluster.ends(Partition("t", 0)) == (0, 1)


def test_a_closed_or_killed_producer_is_not_called_again(cluster):
    """A call would be a bug of the caller's."""
    closed, killed = cluster.producer(instance="w"), cluster.producer(instance="w")
    closed.close()
    cluster.kill(killed)
    for producer in (closed, killed):
        with pytest.raises(AssertionError):
            producer.produce("t", b"0", key=None)


def test_a_record_no_broker_takes_is_refused(cluster):
    """One byte more than the limit is too much."""
    producer = cluster.producer(instance="w")
    producer.produce("t", b"x" * 1_000_000, key=None)
    with pytest.raises(BrokenContract):
        producer.produce("t", b"x" * 1_000_001, key=None)
