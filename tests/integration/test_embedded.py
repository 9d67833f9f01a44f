"""The embedded Kafka and registry, as clients see them."""

import httpx
import pytest
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient, ConfigResource

pytestmark = pytest.mark.kafka


@pytest.fixture
def admin(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap})


def broker_settings(admin):
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    entries = admin.describe_configs([resource])[resource].result()
    return {name: entry.value for name, entry in entries.items()}


def test_the_broker_has_the_settings_that_the_protocol_asks_for(admin):
    """A killed member's partitions move within seconds, and offsets outlive a holiday."""
    wanted = {
        "auto.create.topics.enable": "false",
        "group.consumer.session.timeout.ms": "6000",
        "group.consumer.heartbeat.interval.ms": "1000",
        "offsets.retention.minutes": "43200",
        "transaction.state.log.min.isr": "1",
        "min.insync.replicas": "1",
    }
    found = broker_settings(admin)
    assert wanted == {name: found[name] for name in wanted}


def test_a_topic_nobody_created_does_not_appear_by_being_asked_for(admin, prefix):
    """A deleted lane must never come back by itself."""
    wanted = f"{prefix}.nobody"
    topics = admin.list_topics(wanted, timeout=5).topics
    assert topics[wanted].error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert wanted not in admin.list_topics(timeout=5).topics


def test_the_registry_speaks_the_confluent_api(registry_url, prefix):
    """What is registered is found by its id and as version 1 of its subject."""
    schema = f'{{"type":"record","name":"Thing","namespace":"{prefix}","fields":[]}}'
    with httpx.Client(base_url=registry_url, trust_env=False) as client:
        subject = f"{prefix}.Thing"
        answer = client.post(f"/subjects/{subject}/versions", json={"schema": schema})
        assert answer.status_code == 200
        schema_id = answer.json()["id"]
        versions = client.get(f"/schemas/ids/{schema_id}/versions").json()
    assert [{"subject": subject, "version": 1}] == versions
