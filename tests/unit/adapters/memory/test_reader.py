"""The twin's reader."""

from datetime import timedelta

import pytest

from hooklane.domain.topics import Partition

NO_WAIT = timedelta(0)
PLACE = Partition("t", 0)


def test_a_read_is_cut_at_its_limit_and_goes_on(cluster, write):
    """Over several partitions as in one; a missing one is passed over."""
    cluster.create("u", partitions=1, settings={})
    write(b"0", b"1")
    write(b"2", topic="u")
    reader = cluster.reader(instance="r")
    reader.start({Partition("gone", 0): 0, PLACE: 0, Partition("u", 0): 0})
    read = [[r.value() for r in reader.read(2, timeout=NO_WAIT)] for _ in range(2)]
    assert read == [[b"0", b"1"], [b"2"]]
    assert reader.position(PLACE) == 2


def test_a_closed_reader_is_not_called_again(cluster):
    """A call would be a bug of the caller's."""
    reader = cluster.reader(instance="r")
    reader.close()
    with pytest.raises(AssertionError):
        reader.read(1, timeout=NO_WAIT)
