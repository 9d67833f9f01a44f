"""The twin's own ways: what the contract leaves open."""

from datetime import timedelta

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.domain.topics import TopicSpec

NOW = timedelta(0)


def test_a_cluster_that_is_down_is_told_at_the_poll():
    """Never by the call that queues; what was written before stays written."""
    cluster, answers = Cluster(ManualClock()), []
    cluster.admin().ensure([TopicSpec(name="t", partitions=1, settings={})], replication=1)
    producer = cluster.acking_producer(instance="p", ack_within=timedelta(seconds=1))
    producer.produce("t", b"1", key=None, headers=None, on_ack=answers.append)
    cluster.down()
    producer.produce("t", b"2", key=None, headers=None, on_ack=answers.append)
    assert answers == []
    producer.poll(NOW)
    written, failed = answers
    assert (written, "no broker answers" in str(failed)) == (None, True)
    producer.close(NOW)
