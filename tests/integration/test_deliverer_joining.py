"""A second deliverer on real Kafka takes its share of the lanes, and nothing else moves."""

import time

import pytest

from support.delivering import wait_for

pytestmark = pytest.mark.kafka

LANES, ANSWER_S = 8, 2.5


def owned(deployment):
    """Give the lanes of each deliverer, by its ordinal."""
    found = {}
    group = deployment.topics.group("deliverer.0")
    for partition, instance in deployment.admin.partitions_of(group).items():
        if deployment.topics.is_lane(partition.topic):
            found.setdefault(int(instance[-1]), set()).add(partition.topic)
    return found


def test_a_second_deliverer_takes_its_share_and_disturbs_no_other_lane(deployment, receiver):
    """Open POSTs are answered, each once, also where their lane moves; nothing moves twice."""
    endpoints = [deployment.endpoint(receiver.url(f"/{n}", delay_s=ANSWER_S)) for n in range(LANES)]
    deployment.start()
    wait_for(lambda: len(owned(deployment).get(0, ())) == LANES, what="all lanes with the first")
    for number, endpoint in enumerate(endpoints):
        deployment.deliver(endpoint, [number])
    wait_for(lambda: receiver.open_count == LANES, what="open POSTs")
    began = time.monotonic()

    deployment.start(ordinal=1)

    # What is appended meanwhile goes on: in the lanes that stay, while the others' POSTs end.
    for number, endpoint in enumerate(endpoints):
        deployment.deliver(endpoint, [100 + number])
    wait_for(lambda: len(owned(deployment).get(1, ())) >= LANES // 2, what="the second's share")
    print(f"shared {time.monotonic() - began:.1f} s after the start")
    shares = owned(deployment)
    assert [len(shares[ordinal]) for ordinal in (0, 1)] == [LANES // 2] * 2
    attempts = deployment.attempts(count=2 * LANES)
    assert [(a["verdict"], a["number"]) for a in attempts] == [("delivered", 1)] * 2 * LANES
    for number in range(LANES):
        assert [f"evt_{number}", f"evt_{100 + number}"] == receiver.event_ids(f"/{number}")
    assert shares == owned(deployment)

    # It leaves: its lanes go back, and nothing is sent again.
    deployment.processes[1].terminate()
    wait_for(lambda: len(owned(deployment).get(0, ())) == LANES, what="all lanes with the first")
    assert len(receiver.posts) == 2 * LANES
