"""The broker stopped and started in mid-flow: deliveries wait, none is lost or recorded twice."""

import os
import signal
import time
from collections import Counter

import pytest

from hooklane.domain.errors import Unavailable
from support.delivering import Deployment, Receiver, wait_for
from support.stack import running

pytestmark = pytest.mark.kafka


def answers(deployment):
    try:
        return deployment.admin.topics()
    except Unavailable:
        return None


@pytest.mark.timeout(240)
def test_deliveries_go_on_after_the_broker_was_away(prefix, tmp_path):
    """Killed for good and come back: every delivery has exactly one Attempt, all are delivered."""
    receiver = Receiver()
    with running(tmp_path / "state", "--only", "kafka,registry") as stack:
        deployment = Deployment(stack.kafka, prefix, tmp_path)
        try:
            endpoint = deployment.endpoint(receiver.url("/ok", delay_s=0.1))
            expected = Counter(deployment.deliver(endpoint, range(2_000)))
            process = deployment.start()
            wait_for(lambda: len(receiver.posts) >= 500, what="the flow")
            before = stack.pids["kafka"]
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: stack.pids.get("kafka") not in (None, before), what="the broker")
            wait_for(lambda: answers(deployment), within_s=60, what="an answer of the broker")
            deadline = time.monotonic() + 120
            while len(deployment.attempts(count=2_000, within_s=5)) < 2_000:
                assert time.monotonic() < deadline, deployment.log()[-2_000:]
                if process.poll() is not None:
                    # Fenced by what the broker forgot: its supervisor would start it anew.
                    process = deployment.start()
            expected.update(deployment.deliver(endpoint, range(2_000, 2_100)))
            attempts = deployment.attempts(count=2_100)
            assert expected == Counter(attempt["delivery_id"] for attempt in attempts)
            assert {"delivered"} == {attempt["verdict"] for attempt in attempts}
        finally:
            deployment.close()
            receiver.close()
