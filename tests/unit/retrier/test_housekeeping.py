"""Idle commits, trimming, figures."""

from datetime import timedelta

from prometheus_client import REGISTRY

from hooklane.domain.topics import TopicSpec
from support.retrying import HOUR, SECOND, RetrierBench


def settled(bench, retrier):
    """Let it do its housekeeping a few times."""
    bench.run(retrier, 40 * SECOND)


def test_every_partition_is_committed_at_its_first_assignment():
    """So that its owner after us finds where it starts."""
    bench = RetrierBench()
    bench.run(bench.retrier(), SECOND)

    assert len(bench.commits()) == 2


def test_finished_records_are_deleted_once_they_are_old():
    """Not before, and no unfinished one."""
    bench = RetrierBench(partitions=1, lane_keep_s=86_400)
    bench.endpoint()
    for number in range(5):
        bench.wait(number)
    retrier = bench.retrier()
    settled(bench, retrier)
    bench.clock.advance(23 * HOUR)
    bench.wait(5)
    settled(bench, retrier)
    assert len(bench.records("t.retry.5s")) == 6

    for _ in range(3):
        bench.clock.advance(25 * HOUR)
        bench.wait(6, due_in=40 * 24 * HOUR)
        settled(bench, retrier)

    (partition,) = bench.commits()
    start, _ = bench.admin.ends([partition])[partition]
    assert 5 <= start <= bench.commits()[partition].offset


def test_trimming_goes_on_after_a_restart():
    """The checkpoint is in the commit."""
    bench = RetrierBench(partitions=1)
    bench.endpoint()
    bench.wait()
    retrier = bench.retrier()
    settled(bench, retrier)
    bench.clock.advance(13 * HOUR)
    settled(bench, retrier)
    bench.kill()
    assert len(bench.records("t.retry.5s")) == 1

    bench.clock.advance(12 * HOUR)
    settled(bench, bench.retrier())

    assert bench.records("t.retry.5s") == []


def test_idle_partitions_are_committed_anew_every_day():
    """Offsets age from their commit time."""
    bench = RetrierBench(partitions=1)
    retrier = bench.retrier()
    settled(bench, retrier)
    commits = bench.cluster.groups["t.retrier"].commits
    before = dict(commits)
    commits.clear()

    bench.clock.advance(timedelta(hours=21))
    settled(bench, retrier)

    assert dict(commits) == before


def test_the_debt_counts_what_waits():
    """Held and unread; finished ones and markers are not debt."""
    bench = RetrierBench(partitions=1)
    bench.endpoint()
    for number in range(3):
        bench.wait(number)
    for number in range(3, 7):
        bench.wait(number, tier=HOUR)

    settled(bench, bench.retrier())

    debts = [
        REGISTRY.get_sample_value("hooklane_retry_debt_records", {"tier": tier})
        for tier in ("5s", "1h")
    ]
    assert debts == [0.0, 4.0]


def test_a_brokers_warning_is_logged():
    """It is about offset retention, and nobody else would see it."""
    bench = RetrierBench()
    bench.cluster.warnings.append("offsets.retention.minutes is 10080")

    bench.retrier()

    assert [line["what"] for line in bench.lines] == ["broker.warned"]


def test_a_tier_taken_out_of_the_settings_is_still_emptied():
    """Deliveries wait in it; a topic that only looks like one is passed."""
    bench = RetrierBench(tiers=(5 * SECOND, 30 * SECOND))
    bench.admin.ensure([TopicSpec(name="t.retry.odd", partitions=1, settings={})], replication=1)
    bench.endpoint()
    bench.wait(tier=30 * SECOND)
    bench.tiers = (5 * SECOND,)

    bench.run(bench.retrier(), 40 * SECOND)

    assert len(bench.lane()) == 1
    unreadable = [line["topic"] for line in bench.lines if line["what"] == "tier.unreadable"]
    assert unreadable == ["t.retry.odd"]
