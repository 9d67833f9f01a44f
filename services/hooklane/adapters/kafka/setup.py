"""Whether a cluster is one on which Hooklane can keep its promises, and creating its topics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # their stubs forget exports
    AdminClient,
    ConfigResource,
    NewTopic,
)

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.kafka.failures import error_of, unavailable
from hooklane.adapters.kafka.fetch import chunks
from hooklane.domain.errors import Misconfigured, Unavailable
from hooklane.domain.topics import TopicSpec

TIMEOUT_S = 10.0
DESCRIBED_TIMEOUT_S = 20.0
RETENTION_MINUTES_MIN = 10_080
RETENTION_MINUTES_WISH = 43_200
_TOPICS_MAX = 500


def check_broker(settings: Mapping[str, str | None] | None) -> list[str]:
    """Judge a broker's settings (None: unreadable); give warnings.

    Raises:
        Misconfigured: it is older than 4.0, or forgets commits too soon.
    """
    retention = "offsets.retention.minutes"
    if settings is None:
        return [f"the brokers' settings can't be read: set {retention} to at least 43200"]
    if not any(name.startswith("group.consumer.") for name in settings):
        raise Misconfigured("Kafka is older than 4.0; Hooklane needs its new consumer groups")
    value = settings.get(retention)
    if value is None:
        return [f"{retention} can't be read: set it to at least {RETENTION_MINUTES_WISH}"]
    if int(value) < RETENTION_MINUTES_MIN:
        raise Misconfigured(
            f"broker setting {retention} is {value}; commits would be forgotten while deliveries "
            f"wait: set it to at least {RETENTION_MINUTES_MIN}, better {RETENTION_MINUTES_WISH}"
        )
    if int(value) < RETENTION_MINUTES_WISH:
        return [f"{retention} is {value}: a lane idle for longer forgets its commit"]
    return []


def ensure(admin: AdminClient, specs: Collection[TopicSpec], *, replication: int) -> None:
    """Create what is missing, wait until it can be described, and check what was there.

    Raises:
        Misconfigured: a topic exists with other settings; names topic, setting, both values.
        Unavailable: the cluster does not answer, or not all came into being in time.
    """
    existing = _partition_counts(admin)
    absent = [spec for spec in specs if spec.name not in existing]
    made = set()
    for chunk in chunks(absent, _TOPICS_MAX):
        made |= _create(admin, chunk, replication=replication)
    if absent:
        existing = _wait(admin, {spec.name for spec in absent})
    present = [spec for spec in specs if spec.name not in made]
    for spec in present:
        if existing[spec.name] < spec.partitions:
            raise Misconfigured(
                f"topic {spec.name} has {existing[spec.name]} partitions, wanted {spec.partitions}"
            )
    for chunk in chunks(present, _TOPICS_MAX):
        _compare(admin, chunk)


def _create(admin: AdminClient, specs: list[TopicSpec], *, replication: int) -> set[str]:
    durable = {
        "min.insync.replicas": str(min(2, replication)),
        "unclean.leader.election.enable": "false",
    }
    wanted = [
        NewTopic(spec.name, spec.partitions, replication, config={**durable, **spec.settings})
        for spec in specs
    ]
    made = set()
    for name, future in admin.create_topics(wanted, request_timeout=TIMEOUT_S).items():
        try:
            future.result(timeout=TIMEOUT_S + 1)
            made.add(name)
        except KafkaException as raised:
            error = error_of(raised)
            code = None if error is None else error.code()
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                continue  # another process was quicker: compared like any that was there
            if code in _WRONG:
                raise Misconfigured(
                    f"topic {name} can't be created: {raised.args[0].str()}"
                ) from None
            raise unavailable(f"creating topic {name}", raised) from None
        except TimeoutError:
            raise unavailable(f"creating topic {name}", "no answer in time") from None
    return made


_WRONG = frozenset(
    (
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_PARTITIONS,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
    )
)


def _wait(admin: AdminClient, names: set[str]) -> dict[str, int]:
    clock = SystemClock()
    deadline = clock.monotonic() + DESCRIBED_TIMEOUT_S
    while not names <= (existing := _partition_counts(admin)).keys():
        if clock.monotonic() >= deadline:
            raise Unavailable(f"Kafka: topics do not come into being: {min(names - set(existing))}")
        clock.sleep(0.05)
    return existing


def _partition_counts(admin: AdminClient) -> dict[str, int]:
    try:
        topics = admin.list_topics(timeout=TIMEOUT_S).topics
    except KafkaException as raised:
        raise unavailable("listing topics", raised) from None
    # A topic is there once each of its partitions has a leader.
    return {
        name: len(topic.partitions)
        for name, topic in topics.items()
        if topic.error is None and all(part.leader >= 0 for part in topic.partitions.values())
    }


def _compare(admin: AdminClient, specs: list[TopicSpec]) -> None:
    by_name = {spec.name: spec for spec in specs}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in by_name]
    for resource, future in admin.describe_configs(resources, request_timeout=TIMEOUT_S).items():
        try:
            entries: Mapping[str, Any] = future.result(timeout=TIMEOUT_S + 1)
        except KafkaException as raised:
            raise unavailable(f"reading settings of {resource.name}", raised) from None
        except TimeoutError:
            raise unavailable(f"settings of {resource.name}", "no answer in time") from None
        for setting, wanted in by_name[resource.name].settings.items():
            entry = entries.get(setting)
            found = None if entry is None else entry.value
            if _normal(found) != _normal(wanted):
                raise Misconfigured(f"topic {resource.name} has {setting}={found}, wanted {wanted}")


def _normal(value: str | None) -> frozenset[str]:
    # cleanup.policy is a list in any order.
    return frozenset((value or "").split(","))
