"""The replayer on real Kafka: what is asked goes again, once, whatever is killed."""

import pytest

from hooklane.domain.endpoint import EndpointState
from hooklane.domain.topics import Partition
from support.again import Again
from support.delivering import wait_for

pytestmark = pytest.mark.kafka


@pytest.fixture
def again(bootstrap, prefix, tmp_path):
    made = Again(bootstrap, prefix, tmp_path)
    yield made
    made.close()


def is_done(again):
    partition = Partition(again.topics.commands, 0)
    committed = again.admin.committed(again.topics.group("replayer"), [partition])
    end = again.admin.ends([partition])[partition][1]
    return partition in committed and committed[partition].offset == end


def test_a_redrive_empties_the_dead_letters_into_the_lane(again):
    """Those it names, and no other."""
    again.endpoint()
    again.endpoint("ep_b")
    ids = again.die(range(100)) + again.die(range(100, 150), reason="gone")
    others = again.die(range(50), endpoint_id="ep_b")
    again.flush()
    again.ask(reason="exhausted")
    again.start("replayer")
    wait_for(lambda: is_done(again), what="the redrive")

    assert sorted(again.lane_ids()) == sorted(ids[:100])
    assert again.resting_ids() == {*ids[100:], *others}

    again.ask()
    wait_for(lambda: is_done(again), what="the second redrive")
    assert sorted(again.lane_ids()) == sorted(ids)
    assert again.resting_ids() == set(others)


def test_a_disabled_endpoints_dead_letters_stay(again):
    """Until it is enabled and somebody asks again."""
    again.endpoint(state=EndpointState.DISABLED)
    ids = again.die(range(10))
    again.flush()
    again.ask()
    again.start("replayer")
    wait_for(lambda: is_done(again), what="the refusal")
    assert again.lane_ids() == []

    again.endpoint(revision=2)
    again.ask()
    wait_for(lambda: is_done(again), what="the redrive")

    assert sorted(again.lane_ids()) == sorted(ids)
    assert again.resting_ids() == set()


def test_sigkill_inside_a_transaction_redrives_nothing_twice(again):
    """Twice, each time while only read_uncommitted sees the copies."""
    again.endpoint()
    ids = again.die(range(10_000))
    again.flush()
    again.ask()
    for _ in range(2):
        process = again.start("replayer", transaction_records_max=3_000)
        again.kill_inside_a_transaction(process)
    again.start("replayer")
    wait_for(lambda: is_done(again), what="the redrive")

    found = again.lane_ids(count=len(ids))

    assert len(found) == len(ids)
    assert set(found) == set(ids)
    # A transaction's partitions become readable one after another.
    wait_for(lambda: again.resting_ids() == set(), what="the last tombstones")
