"""Cutting commits into requests that a broker takes."""

from hypothesis import given
from hypothesis import strategies as st

from hooklane.adapters.kafka.commits import BYTES_MAX, PARTITIONS_MAX, requests
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition


@given(sizes=st.lists(st.sampled_from([0, 10, 1_366, 4_000]), max_size=1_200))
def test_every_offset_is_in_one_request_and_no_request_is_too_large(sizes):
    """In their order, with their metadata."""
    offsets = {
        Partition("lane", n): Committed(offset=n, metadata="x" * size)
        for n, size in enumerate(sizes)
    }
    cut = list(requests(offsets))
    parts = [part for request in cut for part in request]
    assert [(p.topic, p.partition, p.offset, p.metadata or "") for p in parts] == [
        (*partition, committed.offset, committed.metadata)
        for partition, committed in offsets.items()
    ]
    for request in cut:
        assert 0 < len(request) <= PARTITIONS_MAX
        assert sum(len(part.metadata or "") for part in request) <= BYTES_MAX
