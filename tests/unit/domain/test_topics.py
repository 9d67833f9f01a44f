"""Every name starts with the prefix, and every topic says how it is set up."""

from datetime import timedelta

from hooklane.domain.topics import PartitionCounts, Topics

TOPICS = Topics(prefix="p", counts=PartitionCounts(pool=2, retry=3))
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


def test_a_matcher_has_three_transactional_ids_and_keeps_them():
    """Whoever restarts it with its ordinal fences what was left open under any of them."""
    first = f"{TOPICS.prefix}.matcher.3"
    assert TOPICS.matcher_ids(3) == (first, f"{first}.b", f"{first}.c")


def test_a_tier_topic_is_named_by_its_delay():
    """One delay a topic."""
    assert [TOPICS.retry(tier) for tier in TIERS] == ["p.retry.5s", "p.retry.24h"]


def test_a_lane_is_known_by_its_name():
    """And nothing else is one."""
    assert TOPICS.lane("ep_a") == "p.lane.a"
    assert TOPICS.is_lane(TOPICS.lane("ep_a"))
    assert not TOPICS.is_lane(TOPICS.retry(TIERS[0]))
    assert not TOPICS.is_lane(TOPICS.pool)


def test_a_lane_of_a_later_epoch_is_another_topic():
    """One that was deleted never comes again, with commits of before."""
    assert TOPICS.lane("ep_a", epoch=2) == "p.lane.a.2"
    assert TOPICS.is_lane(TOPICS.lane("ep_a", epoch=2))


def test_new_endpoints_are_spread_over_the_pool():
    """By their id, and within what there is."""
    found = [TOPICS.pool_partition(f"ep_{number}") for number in range(20)]

    assert set(found) == {0, 1}
    assert found == [TOPICS.pool_partition(f"ep_{number}") for number in range(20)]


def test_time_does_not_eat_live_deliveries():
    """Lanes and tiers have no retention."""
    specs = {spec.name: spec for spec in TOPICS.specs(TIERS)}
    kept = [
        TOPICS.lane_spec("p.lane.a"),
        specs["p.pool"],
        specs["p.retry.5s"],
        specs["p.retry.24h"],
    ]

    assert [spec.settings["retention.ms"] for spec in kept] == ["-1"] * 4
    assert [spec.settings["retention.bytes"] for spec in kept] == ["-1"] * 4
    assert [spec.partitions for spec in kept] == [1, 2, 3, 3]


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
