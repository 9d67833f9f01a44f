"""Kafka behind the ports: confluent-kafka (librdkafka), nothing else in Hooklane imports it.

Building one of these needs no network; the first call that does raises Unavailable while no broker
answers. `instance` is the client.id, by which a group's members are told apart. What
`fetching` may be, and for whom each is, says the module of that name.
"""

from __future__ import annotations

from datetime import timedelta

from hooklane.adapters.kafka.acking import KafkaAckingProducer
from hooklane.adapters.kafka.admin import KafkaAdmin
from hooklane.adapters.kafka.fetching import FOLLOWING, Fetching
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
    settings: KafkaSettings, *, group: str, instance: str, fetching: Fetching = FOLLOWING
) -> Member:
    """Build a member of a consumer group; it joins at `subscribe`."""
    return KafkaMember(settings, group=group, instance=instance, fetching=fetching)


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


def reader(settings: KafkaSettings, *, instance: str, fetching: Fetching = FOLLOWING) -> Reader:
    """Build a reader without a group."""
    return KafkaReader(settings, instance=instance, fetching=fetching)


def admin(settings: KafkaSettings) -> Admin:
    """Build an admin client."""
    return KafkaAdmin(settings)
