"""Spans of the event log become ranges that are there."""

from datetime import timedelta

import pytest

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.replay_store import SourceRange
from hooklane.control import past_log
from hooklane.control.past_log import Offsets, PastLog, Times
from hooklane.domain.errors import Conflict, Invalid
from hooklane.domain.sources import Source, Sources
from hooklane.domain.topics import Partition, TopicSpec
from support.deliveries import START


@pytest.fixture
def cluster():
    made = Cluster(ManualClock(START))
    stamped = {"message.timestamp.type": "LogAppendTime"}
    for name, partitions in (("events.a", 30), ("events.b", 1), ("other", 1), ("events.t", 1)):
        spec = TopicSpec(name=name, partitions=partitions, settings=stamped)
        made.admin().ensure([spec], replication=1)
    producer = made.producer(instance="outside")
    for number in range(30):
        producer.produce("events.a", b"x", key=None, partition=number)
    producer.produce("events.b", b"x", key=None, partition=0)
    producer.produce("other", b"x", key=None, partition=0)
    return made


@pytest.fixture
def past(cluster):
    sources = Sources([Source(pattern="events.*")], prefix="t")
    return PastLog(admin=cluster.admin(), sources=sources)


def test_a_time_is_looked_for_in_every_source_and_in_nothing_else(past):
    """Empty partitions make no range; operational events are a source."""
    found = past.by_times(Times(since=START), topic=None, takes_rest=False)

    assert {one.topic for one in found} == {"events.a", "events.b"}
    assert len(found) == 31
    later = Times(since=START + timedelta(hours=1))
    assert past.by_times(later, topic=None, takes_rest=False) == ()
    before = Times(since=START - timedelta(days=1), until=START)
    assert past.by_times(before, topic="events.b", takes_rest=False) == ()


def test_too_many_partitions_are_refused(past, monkeypatch):
    """They would not fit one command."""
    monkeypatch.setattr(past_log, "RANGES_MAX", 30)

    with pytest.raises(Invalid, match="31 partitions, more than 30"):
        past.by_times(Times(since=START), topic=None, takes_rest=False)
    assert len(past.by_times(Times(since=START), topic="events.a", takes_rest=False)) == 30


def test_a_long_list_of_what_is_there_is_cut(past, cluster):
    """The problem stays readable."""
    producer = cluster.producer(instance="outside")
    for number in range(30):
        producer.produce("events.a", b"x", key=None, partition=number)
        cluster.log(Partition("events.a", number)).delete_before(1)

    with pytest.raises(Conflict, match=r"events.a/0 offsets 1 to 2, .* and 10 more"):
        past.by_offsets("events.a", Offsets(first=0), takes_rest=False)


def test_one_record_is_a_range(past):
    """While the log holds it."""
    place = Partition("events.b", 0)
    assert past.at(place, 0) == SourceRange("events.b", 0, 0, 1)
    for there, offset in ((place, 1), (Partition("events.gone", 0), 0)):
        with pytest.raises(Conflict):
            past.at(there, offset)
