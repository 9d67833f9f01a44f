"""The client's calls on replays, against the API itself."""

import pytest

from hooklane.domain.errors import NotFound
from hooklane.domain.topics import TopicSpec
from support import logbook
from support.control import draft

EVENT = "evt_" + "a" * 26


def test_what_is_past_can_be_sent_again(bench, hooklane):
    """A part of the log, watched and cancelled; or one event."""
    endpoint_id = hooklane.create_endpoint(**draft())["id"]
    spec = TopicSpec(name="events.order", partitions=1, settings={})
    bench.admin.ensure([spec], replication=1)
    producer = bench.cluster.producer(instance="outside")
    for _ in range(20):
        producer.produce("events.order", b"x", key=None, partition=0)
    logbook.write(bench.store._engine, logbook.receipt(EVENT, [endpoint_id]))

    span = {"topic": "events.order", "from_offset": 3, "to_offset": None}
    dry = hooklane.start_replay(endpoint_id, **span, dry_run=True)
    made = hooklane.start_replay(endpoint_id, **span, rate_per_s=7)
    assert (dry["id"], dry["total"], made["rate_per_s"]) == (None, 17, 7)
    assert hooklane.replay(made["id"]) == made
    assert [one["id"] for one in hooklane.replays(endpoint_id=endpoint_id)] == [made["id"]]
    assert hooklane.cancel_replay(made["id"])["cancel_asked_at"] is not None
    assert hooklane.resend(EVENT, endpoint_id)["delivery_id"].startswith("dlv_")
    with pytest.raises(NotFound):
        hooklane.replay("cmd_x")
