"""Kafka behind the ports: confluent-kafka (librdkafka), nothing else in Hooklane imports it.

Building one of these needs no network; the first call that does raises Unavailable while no broker
answers. `instance` is the client.id, by which a group's members are told apart. Who may lag gives
`gather`, the time for which the broker lets records come together before it answers a fetch.
"""

from __future__ import annotations

from datetime import timedelta

from hooklane.adapters.kafka.acking import KafkaAckingProducer
from hooklane.adapters.kafka.admin import KafkaAdmin
from hooklane.adapters.kafka.member import KafkaMember
from hooklane.adapters.kafka.producer import KafkaProducer
from hooklane.adapters.kafka.reader import KafkaReader
from hooklane.adapters.kafka.transactions import KafkaTransactionalProducer
from hooklane.adapters.ports import (
    AckingProducer,
    Admin,
    Member,
    Producer,
    Reader,
    TransactionalProducer,
)
from hooklane.adapters.settings import KafkaSettings


def member(
    settings: KafkaSettings,
    *,
    group: str,
    instance: str,
    gather: timedelta | None = None,
    jumps: bool = False,
) -> Member:
    """Build a member of a consumer group; it joins at `subscribe`.

    Args:
        settings: the cluster.
        group: its name.
        instance: the client's name.
        gather: how long records come together, where that matters more than their latency.
        jumps: whether somebody waits for its fetches to return: partitions are resumed or started
            anew, which only the next one has, or an end lies behind a transaction's marker, which
            an empty one tells. `gather` goes before it.
    """
    return KafkaMember(settings, group=group, instance=instance, gather=gather, jumps=jumps)


def producer(settings: KafkaSettings, *, instance: str) -> Producer:
    """Build an idempotent producer."""
    return KafkaProducer(settings, instance=instance)


def acking_producer(
    settings: KafkaSettings, *, instance: str, ack_within: timedelta
) -> AckingProducer:
    """Build an idempotent producer that tells of every record."""
    return KafkaAckingProducer(settings, instance=instance, ack_within=ack_within)


def transactional_producer(
    settings: KafkaSettings, *, transactional_id: str
) -> TransactionalProducer:
    """Build a transactional producer; its first `begin` fences whoever held the id before."""
    return KafkaTransactionalProducer(settings, transactional_id=transactional_id)


def reader(
    settings: KafkaSettings, *, instance: str, gather: timedelta | None = None, jumps: bool = False
) -> Reader:
    """Build a reader without a group; `gather` and `jumps` as a member's."""
    return KafkaReader(settings, instance=instance, gather=gather, jumps=jumps)


def admin(settings: KafkaSettings) -> Admin:
    """Build an admin client."""
    return KafkaAdmin(settings)
