"""Transactions that take turns between ids, on the twin."""

import pytest

from hooklane.adapters.in_turn import InTurn
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import TopicSpec


@pytest.fixture
def cluster():
    made = Cluster(ManualClock())
    made.admin().ensure([TopicSpec(name="t", partitions=1, settings={})], replication=1)
    return made


class Away:
    """A producer whose cluster answers only the second time."""

    def __init__(self, producer):
        self.producer, self.is_away = producer, True

    def begin(self):
        if self.is_away:
            self.is_away = False
            raise Unavailable("away")
        self.producer.begin()

    def __getattr__(self, name):
        return getattr(self.producer, name)


def test_no_id_has_two_transactions_running(cluster):
    """Each transaction is of the id whose last one is longest ago."""
    producers = [cluster.transactional_producer(transactional_id=one) for one in "abc"]
    transactions = InTurn(producers)
    seen = []
    for _ in range(6):
        transactions.begin()
        seen.append([producer.transaction is not None for producer in producers])
        transactions.commit()
    first, second, third = [True, False, False], [False, True, False], [False, False, True]
    assert seen == [second, third, first] * 2


def test_all_ids_are_taken_over_before_the_first_transaction(cluster):
    """While one is not, nothing begins; the next call goes on with it."""
    first, second = (cluster.transactional_producer(transactional_id=one) for one in "ab")
    transactions = InTurn([first, Away(second)])
    with pytest.raises(Unavailable):
        transactions.begin()
    assert first.transaction is second.transaction is None
    transactions.begin()
    transactions.close()
    assert set(cluster.holders) == {"a", "b"}
