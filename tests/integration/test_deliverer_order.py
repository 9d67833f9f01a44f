"""Order per key through failures, SIGKILL and rebalances: real Kafka, real signals."""

import random
from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from hooklane.domain.endpoint import Order
from support.delivering import Answering, Receiver, wait_for

pytestmark = pytest.mark.kafka

LANES, KEYS, EVENTS = 3, 8, 80
FAILURES, DELAY_S = 0.3, 0.05
SCHEDULE = (timedelta(seconds=1),) * 20


class Moody(Receiver):
    """Fails at random, and notes which POST came too early for its key."""

    def __init__(self, seed) -> None:
        self._chance = random.Random(seed)
        self.succeeded: dict[str, list[int]] = defaultdict(list)
        self.too_early: list[tuple[str, int]] = []
        super().__init__()

    def rule_of(self, post) -> Answering:
        number = int(post.event_id.removeprefix("evt_"))
        before = set(range(number % KEYS, number, KEYS))
        others = [one for one in self.posts if one.path == post.path and one is not post]
        is_one_open = any(
            not one.answered and int(one.event_id.removeprefix("evt_")) % KEYS == number % KEYS
            for one in others
        )
        if is_one_open or not before <= set(self.succeeded[post.path]):
            self.too_early.append((post.path, number))
        if self._chance.random() < FAILURES:
            return Answering(status=500, delay_s=DELAY_S)
        self.succeeded[post.path].append(number)
        return Answering(delay_s=DELAY_S)

    @property
    def count(self) -> int:
        return sum(len(set(numbers)) for numbers in list(self.succeeded.values()))


@pytest.fixture
def moody():
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    receiver = Moody(seed)
    yield receiver
    receiver.close()


def test_each_key_keeps_its_order_when_deliverers_are_killed(deployment, moody):
    """No POST before all earlier ones of its key succeeded; each delivery is settled once."""
    endpoints = [
        deployment.endpoint(moody.url(f"/{lane}"), order=Order.KEY, retry_schedule=SCHEDULE)
        for lane in range(LANES)
    ]
    expected = Counter()
    for endpoint in endpoints:
        expected.update(
            deployment.deliver(endpoint, range(EVENTS), key_of=lambda n: f"k{n % KEYS}".encode())
        )
    total = LANES * EVENTS
    one = deployment.start()
    for ordinal, share in ((1, 0.1), (0, 0.3), (1, 0.5), (0, 0.7)):
        other = deployment.start(ordinal=ordinal)
        wait_for(lambda share=share: moody.count > share * total, what=f"{share:.0%} of them")
        # At a moment when answers are under way, and heads that failed are parked.
        wait_for(lambda: moody.open_count > 0, what="an open POST")
        one.kill()
        one.wait()
        one = other
    wait_for(lambda: deployment.is_drained(*endpoints), what="drained lanes", within_s=90)
    assert moody.too_early == []
    assert moody.count == total

    def delivered():
        """Count what attempts say; a killed deliverer's transaction may hide some for seconds."""
        attempts = deployment.attempts(count=total)
        return Counter(a["delivery_id"] for a in attempts if a["verdict"] == "delivered")

    wait_for(lambda: delivered().total() >= total, what="all attempts")
    assert expected == delivered()
