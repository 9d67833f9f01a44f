"""The retrier on real Kafka: when due, in whole, once; killed, shared, stopped."""

import signal
import time
from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import progress_of, to_ms
from hooklane.domain.endpoint import EndpointState
from support.again import TIERS, Again
from support.delivering import wait_for

pytestmark = pytest.mark.kafka


@pytest.fixture
def again(bootstrap, prefix, tmp_path):
    made = Again(bootstrap, prefix, tmp_path)
    yield made
    made.close()


def test_what_is_due_is_copied_soon_and_never_early(again):
    """The broker's own stamp of the copy tells."""
    again.endpoint()
    again.start("retrier")
    wait_for(lambda: '"tiers.assigned"' in again.log(), what="the assignment")
    again.wait(range(50), due_in=timedelta(milliseconds=2_300))
    again.flush()

    copies = again.read(again.topics.lane("ep_a"), count=50)

    lateness = [
        record.timestamp()[1] - to_ms(progress_of(record.headers()).not_before) for record in copies
    ]
    assert len(copies) == 50
    assert min(lateness) >= 0
    assert sorted(lateness)[25] < 1_000


def test_each_endpoint_state_has_its_fate(again):
    """Active and paused to the lane, disabled dead, deleted cancelled."""
    states = {
        "ep_active": EndpointState.ACTIVE,
        "ep_paused": EndpointState.PAUSED,
        "ep_disabled": EndpointState.DISABLED,
        "ep_deleted": EndpointState.DELETED,
    }
    for number, (endpoint_id, state) in enumerate(states.items()):
        again.endpoint(endpoint_id, state=state)
        again.wait([number], endpoint_id=endpoint_id)
    again.flush()
    again.start("retrier")

    attempts = [
        codec("attempt").decode(record.value())
        for record in again.read(again.topics.attempts, count=2)
    ]

    found = {attempt["endpoint_id"]: attempt["verdict"] for attempt in attempts}
    assert found == {"ep_disabled": "dead", "ep_deleted": "cancelled"}
    assert [len(again.lane_ids(endpoint_id)) for endpoint_id in states] == [1, 1, 0, 0]
    assert len(again.read(again.topics.dead_letters)) == 1


def test_sigkill_inside_a_transaction_loses_and_doubles_nothing(again):
    """Twice, each time while only read_uncommitted sees the copies; the same id comes back."""
    again.endpoint()
    ids = again.wait(range(10_000))
    again.flush()
    for _ in range(2):
        process = again.start("retrier", transaction_records_max=3_000)
        again.kill_inside_a_transaction(process)
    again.start("retrier")

    found = again.lane_ids(count=len(ids))

    assert len(found) == len(ids)
    assert set(found) == set(ids)


def test_two_share_the_tiers_and_one_leaves(again):
    """Each delivery is copied by one of them, also while partitions move; SIGTERM ends it well."""
    again.endpoint()
    first, _ = again.start("retrier"), again.start("retrier", ordinal=1)
    wait_for(lambda: again.log().count('"tiers.assigned"') >= 2, what="the assignments")
    ids = again.wait(range(500))
    again.flush()
    first.send_signal(signal.SIGTERM)
    ids += again.wait(range(500, 1_000), due_in=TIERS[0])
    again.flush()

    found = again.lane_ids(count=len(ids))

    assert first.wait(20) == 0
    assert len(found) == len(ids)
    assert set(found) == set(ids)


def test_a_killed_member_is_replaced(again):
    """What it held is copied by the other once the group has noticed."""
    again.endpoint()
    first, _ = again.start("retrier"), again.start("retrier", ordinal=1)
    wait_for(lambda: again.log().count('"tiers.assigned"') >= 2, what="the assignments")
    ids = again.wait(range(500), due_in=timedelta(seconds=4))
    again.flush()
    time.sleep(1)
    first.kill()

    found = again.lane_ids(count=len(ids))

    assert len(found) == len(ids)
    assert set(found) == set(ids)
