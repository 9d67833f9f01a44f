"""librdkafka's properties for each kind of client, and why each has its value.

Tuning comes first, then the deployment's own properties (security and the like), then what our
promises rest on: that no property can override.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hooklane.adapters.kafka.fetching import FOLLOWING, Fetching
from hooklane.adapters.settings import KafkaSettings

TRANSACTION_TIMEOUT_MS = 10_000
# Less than the transaction's timeout: what can't be written is given up while an abort still
# counts. After it the broker aborts by itself, and librdkafka's own abort is then fatal.
TRANSACTION_RECORD_TIMEOUT_MS = 7_000
QUEUED_RECORDS_MAX = 200_000
QUEUED_KIB_MAX = 256 * 1024

_SILENT = logging.getLogger("hooklane.kafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

_EVERY: Mapping[str, Any] = {
    # What it has to say reaches us as errors; its own lines would break our logs, which are JSON.
    "log_level": 0,
    "logger": _SILENT,
    "socket.timeout.ms": 10_000,
    "socket.nagle.disable": True,
    "socket.connection.setup.timeout.ms": 10_000,
    "reconnect.backoff.max.ms": 1_000,
    "topic.metadata.refresh.interval.ms": 1_000,
}
_NO_AUTO_CREATE: Mapping[str, Any] = {"allow.auto.create.topics": False}

_FETCHING: Mapping[str, Any] = {
    "fetch.queue.backoff.ms": 5,
    "queued.min.messages": 1_000,
    "queued.max.messages.kbytes": 32 * 1024,
    "max.partition.fetch.bytes": 256 * 1024,
}
_READING: Mapping[str, Any] = {
    **_NO_AUTO_CREATE,
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    # An end-of-partition event is the only way to a position behind transaction markers.
    "enable.partition.eof": True,
}
_PRODUCING: Mapping[str, Any] = {
    # Who writes much writes in transactions or flushes: what is queued by then makes the batches.
    "linger.ms": 0,
    "queue.buffering.max.messages": QUEUED_RECORDS_MAX,
    "queue.buffering.max.kbytes": QUEUED_KIB_MAX,
    # A transaction right behind another is refused until the first one's markers are written; it
    # asks again this soon, later doubled. At 1 it takes 5 ms in all, at 5 it takes 8, at 100, 101.
    "retry.backoff.ms": 1,
}
_WRITING: Mapping[str, Any] = {
    **_NO_AUTO_CREATE,
    "acks": "all",
    "enable.idempotence": True,
    # A callback for each success would cost more than the record.
    "delivery.report.only.error": True,
}


def _layers(settings: KafkaSettings, tuning: Mapping[str, Any], must: Mapping[str, Any]) -> Any:
    bootstrap = {"bootstrap.servers": settings.bootstrap}
    return {**_EVERY, **tuning, **settings.properties, **bootstrap, **must}


def member_config(
    settings: KafkaSettings, *, group: str, instance: str, fetching: Fetching = FOLLOWING
) -> dict[str, Any]:
    """Give the properties of a group's member (KIP-848)."""
    own = {"group.id": group, "client.id": instance, "group.protocol": "consumer"}
    return dict(_layers(settings, {**_FETCHING, **fetching.properties}, {**_READING, **own}))


def reader_config(
    settings: KafkaSettings, *, instance: str, fetching: Fetching = FOLLOWING
) -> dict[str, Any]:
    """Give the properties of a reader; librdkafka wants a group's name and never joins it."""
    own = {"group.id": f"{instance}.reader", "client.id": instance}
    return dict(_layers(settings, {**_FETCHING, **fetching.properties}, {**_READING, **own}))


def producer_config(settings: KafkaSettings, *, instance: str) -> dict[str, Any]:
    """Give the properties of an idempotent producer."""
    tuning = {**_PRODUCING, "message.timeout.ms": 30_000}
    return dict(_layers(settings, tuning, {**_WRITING, "client.id": instance}))


def acking_config(
    settings: KafkaSettings, *, instance: str, ack_within: timedelta
) -> dict[str, Any]:
    """Give the properties of an idempotent producer that tells of every record."""
    own = {
        "client.id": instance,
        "delivery.report.only.error": False,
        # Who asked was told by then that it may not be written; later it must not be.
        "message.timeout.ms": int(ack_within.total_seconds() * 1_000),
    }
    return dict(_layers(settings, _PRODUCING, {**_WRITING, **own}))


def transactional_config(settings: KafkaSettings, *, transactional_id: str) -> dict[str, Any]:
    """Give the properties of a transactional producer."""
    own = {
        "client.id": transactional_id,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "message.timeout.ms": TRANSACTION_RECORD_TIMEOUT_MS,
    }
    return dict(_layers(settings, _PRODUCING, {**_WRITING, **own}))


def admin_config(settings: KafkaSettings) -> dict[str, Any]:
    """Give the properties of an admin client."""
    return dict(_layers(settings, {}, {}))
