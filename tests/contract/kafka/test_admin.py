"""What an admin client promises, on the twin and on Kafka."""

import time
from dataclasses import replace

import pytest

from hooklane.domain.errors import Misconfigured, Unavailable
from hooklane.domain.topics import Partition, Topics, TopicSpec

WITHIN_S = 30


def test_every_topic_of_a_deployment_is_created_once_and_then_accepted(world):
    """`ensure` may be called by every process at every start."""
    topics = Topics(prefix=world.prefix)
    tiers = ()
    specs = [replace(spec, partitions=min(spec.partitions, 2)) for spec in topics.specs(tiers)]
    world.topics.update(spec.name for spec in specs)
    for _ in range(2):
        world.admin.ensure(specs, replication=1)
    counts = world.admin.topics()
    assert {s.name: s.partitions for s in specs} == {s.name: counts[s.name] for s in specs}


def test_a_topic_with_another_setting_is_refused_by_name(world):
    """Topic, setting and both values are in the text."""
    topic = world.topic()
    spec = TopicSpec(name=topic, partitions=1, settings={"cleanup.policy": "compact"})
    with pytest.raises(Misconfigured) as caught:
        world.admin.ensure([spec], replication=1)
    assert caught.value.detail == f"topic {topic} has cleanup.policy=delete, wanted compact"


def test_a_list_setting_may_be_in_any_order(world):
    """`compact,delete` and `delete,compact` are the same policy."""
    topic = world.topic(settings={"cleanup.policy": "compact,delete"})
    spec = TopicSpec(name=topic, partitions=1, settings={"cleanup.policy": "delete,compact"})
    world.admin.ensure([spec], replication=1)
    assert world.admin.topics()[topic] == 1


def test_a_topic_with_fewer_partitions_is_refused(world):
    """More than wanted is fine: the topic may have been grown."""
    topic = world.topic(partitions=2)
    spec = TopicSpec(name=topic, partitions=1, settings={})
    world.admin.ensure([spec], replication=1)
    with pytest.raises(Misconfigured) as caught:
        world.admin.ensure([replace(spec, partitions=3)], replication=1)
    assert caught.value.detail == f"topic {topic} has 2 partitions, wanted 3"


def test_a_name_used_anew_has_another_id(world):
    """Ids tell a topic from its namesake; a missing topic has none."""
    topic = world.topic()
    before = world.admin.topic_ids([topic, f"{world.prefix}.gone"])
    assert before.keys() == {topic}
    world.admin.delete_topics([topic, f"{world.prefix}.gone"])
    while topic in world.admin.topics():
        pass
    world.topic()
    assert world.admin.topic_ids([topic])[topic] != before[topic]


def test_ends_know_what_was_deleted_and_leave_out_what_is_missing(world):
    """Deleting below an offset moves the log's start there; deleting less moves nothing."""
    place, empty = world.place(), world.place("empty")
    gone = Partition(f"{world.prefix}.gone", 0)
    world.write(place, b"0", b"1", b"2")
    world.admin.delete_records({place: 2, gone: 1})
    world.admin.delete_records({place: 1})
    assert world.admin.ends([place, empty, gone]) == {place: (2, 3), empty: (0, 0)}


def test_the_very_end_lies_past_what_an_open_transaction_wrote(world):
    """What was committed after it began is hidden from readers, and counted here."""
    place = world.place()
    gone = Partition(f"{world.prefix}.gone", 0)
    world.write(place, b"0")
    first = world.transactions("first")
    first.begin()
    first.produce(place.topic, b"1", key=None)
    while world.admin.log_ends([place]) != {place: 2}:
        pass  # on its way
    world.write(place, b"2")
    assert world.admin.log_ends([place, gone]) == {place: 3}
    assert world.admin.ends([place]) == {place: (0, 1)}
    first.commit()
    while world.admin.ends([place]) == {place: (0, 1)}:
        pass  # its marker is on its way
    assert world.admin.ends([place]) == {place: (0, 4)}


def test_a_time_is_the_first_offset_that_is_not_before_it(world):
    """What is later than every record is the end, and what does not exist is left out."""
    place, gone = world.place(), Partition("nowhere", 0)
    for value in (b"0", b"1", b"2"):
        world.write(place, value)
    first = world.admin.offsets_for_times({place: 0, gone: 0})
    assert first == {place: 0}
    assert world.admin.offsets_for_times({place: 9_999_999_999_999}) == {place: 3}


def test_a_group_that_never_was_has_no_members_and_no_commits(world):
    """Asking is no error."""
    place = world.place()
    assert _once_it_answers(lambda: world.admin.members(world.group)) == set()
    assert world.admin.partitions_of(world.group) == {}
    assert world.admin.committed(world.group, [place]) == {}


def _once_it_answers(ask):
    """Ask until a new cluster has made the topic of its groups, which the first question begins."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            return ask()
        except Unavailable:
            assert time.monotonic() < deadline, "the cluster's groups were not to be had"


def test_the_cluster_has_an_id_and_is_fit(world):
    """The broker that tests and the embedded stack use gives no cause to warn."""
    assert world.admin.cluster_id() == world.admin.cluster_id() != ""
    assert world.admin.check_broker() == []
