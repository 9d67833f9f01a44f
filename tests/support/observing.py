"""Lets control have seen attempts, without anybody making them."""

from hooklane.adapters.health_store import Observation
from hooklane.domain.delivery import to_ms
from hooklane.domain.health import Met, Rules, observed


def observe(bench, endpoint_ids, outcome):
    """Keep one attempt of each endpoint, made now."""
    now = bench.clock.now()
    met = Met("att_1", "dlv_1", "evt_1", "order.created", to_ms(now), outcome)

    def judge(watched):
        return [
            Observation(health=observed(one.health, [met], rules=Rules(), now=now)[0])
            for one in watched.values()
        ]

    bench.store.observe(endpoint_ids, judge, at=now)
