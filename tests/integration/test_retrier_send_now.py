"""Send now on real Kafka: each of the endpoint's once, the others stay, through SIGKILL."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import progress_of
from support.again import Again
from support.delivering import wait_for

pytestmark = pytest.mark.kafka

LONG = timedelta(hours=1)


@pytest.fixture
def again(bootstrap, prefix, tmp_path):
    made = Again(bootstrap, prefix, tmp_path)
    made.environment["HOOKLANE_KAFKA_RETRY_TIERS"] = "2s,1h"
    made.admin.ensure(made.topics.specs([LONG]), replication=1)
    yield made
    made.close()


def test_what_waits_goes_at_once_and_the_others_stay(again):
    """Killed inside a transaction of the release, the same id goes on where that began."""
    again.endpoint("ep_a")
    again.endpoint("ep_b")
    ids = []
    for start in range(0, 4_000, 800):
        ids += again.wait(range(start, start + 400), tier=LONG, due_in=LONG)
        again.wait(range(start + 400, start + 800), tier=LONG, due_in=LONG, endpoint_id="ep_b")
    again.flush()
    process = again.start("retrier", transaction_records_max=300)
    wait_for(lambda: '"tiers.assigned"' in again.log(), what="the assignment")
    again.ask("send_now")
    again.kill_inside_a_transaction(process)
    again.start("retrier")

    records = again.read(again.topics.lane("ep_a"), count=len(ids))

    assert sorted(again.lane_ids(count=len(ids))) == sorted(ids)
    early = [progress_of(r.headers()).not_before.timestamp() * 1e3 - r.timestamp()[1]
             for r in records]  # fmt: skip
    assert max(early) <= 0
    assert again.lane_ids("ep_b") == []
