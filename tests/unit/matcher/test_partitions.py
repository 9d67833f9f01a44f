"""Where partitions begin, which of them wait, and that they begin nowhere else."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition
from support.matcher_bench import MatcherBench


@pytest.fixture
def bench():
    return MatcherBench()


def numbers(values):
    return sorted(orjson.loads(value["payload"])["data"]["n"] for value in values)


def test_the_first_start_begins_at_the_end(bench):
    """What lay in the topics before is not delivered; what came during the start is."""
    endpoint = bench.endpoint()
    bench.publish(1, 2)
    matcher = bench.started()
    bench.publish(3)

    bench.run(matcher)

    assert numbers(bench.lane(endpoint)) == [3]


def test_no_position_is_told_before_the_first_start_is_over(bench):
    """A change is effective from then on: what was appended before is not delivered."""
    bench.cluster.fail_next("commit_offsets", Unavailable("x"))
    matcher = bench.matcher()
    matcher.start()
    matcher.step()
    assert bench.records(bench.topics.positions) == []
    bench.run(matcher)
    assert len(bench.records(bench.topics.positions)) == 1


def test_a_lost_marker_is_no_first_start(bench):
    """Positions that were committed are kept, whatever became of the operational topic's."""
    endpoint = bench.endpoint()
    bench.started().stop()
    bench.publish(1)
    del bench.cluster.groups["t.matcher"].commits[Partition("events.t", 0)]

    bench.run(bench.started())

    assert numbers(bench.lane(endpoint)) == [1]


def test_a_later_start_misses_nothing(bench):
    """Events appended while no matcher ran, also to a topic that is new, are matched."""
    endpoint = bench.endpoint()
    bench.started().stop()
    bench.publish(1)
    bench.create("events.order.late")
    bench.publish(2, topic="events.order.late")
    bench.clock.advance(timedelta(hours=1))

    bench.run(bench.started())

    assert numbers(bench.lane(endpoint)) == [1, 2]


def test_only_matcher_0_makes_the_first_start(bench):
    """Another one waits until it has."""
    endpoint = bench.endpoint()
    second = bench.started(ordinal=1)
    bench.publish(1)
    bench.run(second)
    assert bench.lane(endpoint) == []

    first = bench.started(ordinal=0)
    bench.publish(2)
    bench.run(first, second, steps=40)

    assert numbers(bench.lane(endpoint)) == [2]


def test_a_registry_away_stops_only_who_needs_it(bench):
    """The partition of an unknown schema waits, visibly; all others go on; then it goes on too."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1)
    bench.run(matcher)
    bench.create("events.order.other")
    other = bench.registry.put("events.order.other-value", {"type": "record", "name": "x.made",
        "fields": [{"name": "n", "type": "int"}]})  # fmt: skip
    bench.registry.failure = Unavailable("registry")
    bench.publish(2, 3, topic="events.order.other", schema_id=other)
    bench.clock.advance(timedelta(seconds=1))
    bench.run(matcher)
    bench.publish(4)
    bench.run(matcher)
    assert numbers(bench.lane(endpoint)) == [1, 4]
    assert bench.log.whats().count("partition.waits") == 1

    bench.registry.failure = None
    bench.clock.advance(timedelta(seconds=2))
    bench.run(matcher)

    assert numbers(bench.lane(endpoint)) == [1, 2, 3, 4]
    assert bench.rejected() == []


def test_a_refused_seek_leaves_no_partition_waiting_for_ever(bench):
    """It is tried again until the partition goes on."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.registry.failure = Unavailable("registry")
    bench.publish(1)
    bench.run(matcher)
    member = matcher._around.member
    seek, refusals = member.seek, [Unavailable("x")]

    def refuse_once(partition, offset):
        if refusals:
            raise refusals.pop()
        seek(partition, offset)

    member.seek = refuse_once
    bench.registry.failure = None
    bench.clock.advance(timedelta(seconds=2))
    bench.run(matcher)

    assert (numbers(bench.lane(endpoint)), refusals) == ([1], [])


def test_a_schema_once_seen_needs_no_registry_after_a_restart(bench):
    """It is in the deployment's own topic."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1)
    bench.run(matcher)
    matcher.stop()
    bench.registry.failure = Unavailable("registry")
    bench.publish(2)

    bench.run(bench.started())

    assert numbers(bench.lane(endpoint)) == [1, 2]


def test_two_matchers_share_the_partitions(bench):
    """Each event once; when one is killed the other takes its place."""
    endpoint = bench.endpoint()
    first = bench.started()
    second = bench.matcher(ordinal=1)
    bench.run(first, second)
    bench.publish(*range(20))
    bench.run(first, second)
    assert list(range(20)) == numbers(bench.lane(endpoint))
    assert sum(what == "partitions.started" for what in bench.log.whats()[-4:]) + 1 == 2

    bench.kill()
    bench.clock.advance(timedelta(seconds=10))
    bench.publish(*range(20, 40))
    bench.run(first, steps=60)
    assert list(range(40)) == numbers(bench.lane(endpoint))


def test_idle_partitions_are_committed_daily(bench):
    """Offsets age from their commit, also where nothing moves."""
    matcher = bench.started()
    group = bench.cluster.groups[bench.topics.group("matcher")]
    group.commits.clear()
    bench.clock.advance(timedelta(days=1, minutes=1))
    bench.run(matcher)
    assert Partition("events.order", 0) in group.commits
    assert Partition("events.t", 0) in group.commits


def test_a_commits_table_offset_is_reached_before_the_first_event(bench):
    """A table that ends below it decides nothing."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    matcher.stop()
    group = bench.cluster.groups[bench.topics.group("matcher")]
    for partition, committed in group.commits.items():
        group.commits[partition] = replace(committed, metadata="v1;t=3")
    bench.publish(1)
    later = bench.started()
    bench.run(later)
    assert bench.lane(endpoint) == []
    bench.endpoint("user.*")
    bench.endpoint("user.*")
    bench.run(later, steps=40)
    assert numbers(bench.lane(endpoint)) == [1]
