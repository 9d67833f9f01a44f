"""The twin's topics and fault hooks."""

from datetime import timedelta

import pytest

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.domain.errors import Misconfigured, Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, TopicSpec

PLACE = Partition("t", 0)


def test_a_fault_meets_one_call_of_its_operation(cluster):
    """Others, and the next one, are as ever."""
    admin = cluster.admin()
    cluster.fail_next("admin", Unavailable("once"))
    with pytest.raises(Unavailable):
        admin.topics()
    assert admin.topics() == {"t": 1}
    with pytest.raises(AssertionError):
        cluster.fail_next("nonsense", Unavailable("never"))


def test_a_cluster_that_is_down_answers_nobody(cluster, own):
    """And everybody once it is up."""
    owner = own()
    cluster.down()
    for call in (cluster.admin().topics, owner.step, lambda: owner.member.ends(PLACE)):
        with pytest.raises(Unavailable):
            call()
    cluster.up()
    owner.step()
    assert owner.told == [("assigned", PLACE)]


def test_a_deleted_topic_takes_its_commits_along(cluster, own):
    """Made anew it has another id and no history."""
    owner = own()
    owner.step()
    owner.member.commit({PLACE: Committed(offset=3)})
    before = cluster.admin().topic_ids(["t"])
    cluster.admin().delete_topics(["t", "never was"])
    owner.step()
    assert owner.told[-1] == ("revoked", PLACE)
    cluster.create("t", partitions=1, settings={})
    assert owner.member.committed([PLACE]) == {}
    assert cluster.admin().topic_ids(["t"]) != before


def test_a_simulation_may_keep_time_to_itself():
    """Idle waits then move nothing."""
    clock, waits = ManualClock(), []
    cluster = Cluster(clock, idle=waits.append)
    reader = cluster.reader(instance="r")
    assert reader.read(1, timeout=timedelta(seconds=1)) == []
    assert (waits, clock.monotonic()) == ([timedelta(seconds=1)], 0.0)


def test_a_compacted_topic_is_compacted_on_demand(cluster, write):
    """Readers then see each key once."""
    write(b"0", b"1")
    cluster.compact("t")
    reader = cluster.reader(instance="r")
    reader.start({PLACE: 0})
    assert [r.value() for r in reader.read(10, timeout=timedelta(0))] == [b"1"]


def test_an_admin_refuses_what_a_broker_refuses(cluster):
    """Deleting in a compacted topic or past the end; ends of what is not there are left out."""
    admin = cluster.admin()
    admin.ensure(
        [TopicSpec(name="c", partitions=1, settings={"cleanup.policy": "compact"})], replication=1
    )
    for before in ({Partition("c", 0): 0}, {PLACE: 1}):
        with pytest.raises(Unavailable):
            admin.delete_records(before)
    admin.delete_records({Partition("gone", 0): 1})
    assert admin.ends([PLACE, Partition("gone", 0)]) == {PLACE: (0, 0)}
    with pytest.raises(Misconfigured):
        admin.ensure([TopicSpec(name="c", partitions=2, settings={})], replication=1)


def test_a_clock_goes_only_forward():
    """Time moves by what it is told, never back."""
    clock = ManualClock()
    began = clock.now()
    clock.sleep(1.5)
    assert clock.now() - began == timedelta(seconds=1.5)
    with pytest.raises(AssertionError):
        clock.advance(timedelta(seconds=-1))
