"""Every name starts with the prefix, and every topic says how it is set up."""

from datetime import timedelta

from hooklane.domain.topics import PartitionCounts, Topics

TOPICS = Topics(prefix="p", counts=PartitionCounts(retry=3))
TIERS = (timedelta(seconds=5), timedelta(hours=24))


def test_every_name_starts_with_the_prefix():
    """So that deployments and tests share a cluster."""
    names = [
        *(spec.name for spec in TOPICS.specs(TIERS)),
        TOPICS.lane("ep_a"),
        TOPICS.group("retrier"),
        TOPICS.transactional_id("retrier", 1),
    ]

    assert all(name.startswith("p.") for name in names)
    assert len(set(names)) == len(names)


def test_a_tier_topic_is_named_by_its_delay():
    """One delay a topic."""
    assert [TOPICS.retry(tier) for tier in TIERS] == ["p.retry.5s", "p.retry.24h"]


def test_a_lane_is_known_by_its_name():
    """And nothing else is one."""
    assert TOPICS.lane("ep_a") == "p.lane.a"
    assert TOPICS.is_lane(TOPICS.lane("ep_a"))
    assert not TOPICS.is_lane(TOPICS.retry(TIERS[0]))


def test_time_does_not_eat_live_deliveries():
    """Lanes and tiers have no retention."""
    specs = {spec.name: spec for spec in TOPICS.specs(TIERS)}
    kept = [TOPICS.lane_spec("p.lane.a"), specs["p.retry.5s"], specs["p.retry.24h"]]

    assert [spec.settings["retention.ms"] for spec in kept] == ["-1"] * 3
    assert [spec.settings["retention.bytes"] for spec in kept] == ["-1"] * 3
    assert [spec.partitions for spec in kept] == [1, 3, 3]


def test_every_topic_is_stamped_by_its_broker():
    """Due times are counted from the append."""
    specs = TOPICS.specs(TIERS)

    assert {spec.settings["message.timestamp.type"] for spec in specs} == {"LogAppendTime"}


def test_tables_are_compacted_and_dead_letters_are_both():
    """A dead letter goes by its tombstone or after 30 days."""
    specs = {spec.name: spec.settings["cleanup.policy"] for spec in TOPICS.specs(TIERS)}

    assert specs["p.endpoints"] == specs["p.schemas"] == specs["p.positions"] == "compact"
    assert specs["p.dead-letters"] == "compact,delete"
    assert specs["p.attempts"] == "delete"


def test_operational_events_are_a_source_like_any_other():
    """A tenant can subscribe to them."""
    spec = TOPICS.operational_spec()

    assert spec.name == TOPICS.operational == "events.p"
    assert spec.settings["cleanup.policy"] == "delete"
