"""librdkafka's properties: what a deployment may choose and what it may not."""

from datetime import timedelta

import pytest

from hooklane.adapters.kafka import config
from hooklane.adapters.kafka.fetching import FOLLOWING, JUMPING, gathering
from hooklane.adapters.settings import KafkaSettings


def every_config(settings):
    return {
        "member": config.member_config(settings, group="g", instance="i"),
        "reader": config.reader_config(settings, instance="i"),
        "producer": config.producer_config(settings, instance="i"),
        "transactional": config.transactional_config(settings, transactional_id="x"),
    }


@pytest.mark.parametrize("kind", ["member", "reader", "producer", "transactional"])
def test_security_reaches_every_client(kind):
    """A property that only some clients had would fail half of a deployment."""
    settings = KafkaSettings(bootstrap="k:1", properties={"security.protocol": "SSL"})
    properties = every_config(settings)[kind]
    assert (properties["security.protocol"], properties["bootstrap.servers"]) == ("SSL", "k:1")
    assert config.admin_config(settings)["security.protocol"] == "SSL"


def test_what_promises_rest_on_can_not_be_overridden():
    """Whatever a deployment sets, commits stay ours and reads stay committed."""
    hostile = {
        "enable.auto.commit": "true",
        "auto.offset.reset": "latest",
        "isolation.level": "read_uncommitted",
        "acks": "0",
        "enable.idempotence": "false",
        "allow.auto.create.topics": "true",
        "transaction.timeout.ms": "900000",
        "group.protocol": "classic",
    }
    found = every_config(KafkaSettings(properties=hostile))
    for kind in ("member", "reader"):
        assert found[kind]["enable.auto.commit"] is False
        assert found[kind]["auto.offset.reset"] == "error"
        assert found[kind]["isolation.level"] == "read_committed"
        assert found[kind]["allow.auto.create.topics"] is False
    for kind in ("producer", "transactional"):
        assert found[kind]["acks"] == "all"
        assert found[kind]["enable.idempotence"] is True
        assert found[kind]["allow.auto.create.topics"] is False
    assert found["member"]["group.protocol"] == "consumer"
    assert found["transactional"]["transaction.timeout.ms"] == 10_000


def test_tuning_may_be_overridden():
    """A deployment knows its network."""
    properties = {"fetch.wait.max.ms": "10", "linger.ms": "5"}
    found = every_config(KafkaSettings(properties=properties))
    assert found["member"]["fetch.wait.max.ms"] == "10"
    assert found["transactional"]["linger.ms"] == "5"


def test_who_may_lag_lets_records_come_together():
    """A fetch for each small transaction would cost the broker what deliveries need."""
    settings, gather = KafkaSettings(), gathering(timedelta(milliseconds=400))
    member = config.member_config(settings, group="g", instance="i", fetching=gather)
    reader = config.reader_config(settings, instance="i", fetching=gather)
    for found in (member, reader):
        assert (found["fetch.wait.max.ms"], found["fetch.min.bytes"]) == (400, 1024 * 1024)


def test_who_jumps_does_not_wait_long_for_a_fetch_and_nobody_else_asks_often():
    """A partition that is resumed or new comes only into the next fetch."""
    settings = KafkaSettings()
    for fetching, wait_ms in ((JUMPING, 50), (FOLLOWING, 250)):
        member = config.member_config(settings, group="g", instance="i", fetching=fetching)
        reader = config.reader_config(settings, instance="i", fetching=fetching)
        for found in (member, reader):
            assert (found["fetch.wait.max.ms"], found["fetch.min.bytes"]) == (wait_ms, 1)
    assert config.reader_config(settings, instance="i")["fetch.wait.max.ms"] == 250


def test_a_record_is_given_up_while_its_transaction_can_still_be_aborted():
    """Past the transaction's timeout an abort is fatal."""
    found = config.transactional_config(KafkaSettings(), transactional_id="x")
    assert found["message.timeout.ms"] < found["transaction.timeout.ms"]
