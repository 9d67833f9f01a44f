"""What Hooklane asks of a cluster beside records; every question with a timeout."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # their stubs forget exports
    AdminClient,
    ConfigResource,
    OffsetSpec,
)

from hooklane.adapters.kafka.commits import committed_of
from hooklane.adapters.kafka.config import admin_config
from hooklane.adapters.kafka.failures import MISSING, unavailable
from hooklane.adapters.kafka.fetch import chunks, to_list
from hooklane.adapters.kafka.setup import check_broker, ensure
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, TopicSpec

TIMEOUT_S = 10.0
_PARTITIONS_MAX = 2_000
_NO_GROUP = frozenset((KafkaError.GROUP_ID_NOT_FOUND,))


class KafkaAdmin:
    """An admin client."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Prepare."""
        self._config = admin_config(settings)
        self._admin = AdminClient(self._config)

    def check_broker(self) -> list[str]:
        """Check version and offset retention; give warnings."""
        return check_broker(self._broker_settings())

    def ensure(self, specs: Collection[TopicSpec], *, replication: int) -> None:
        """Create what is missing and wait until it can be described."""
        try:
            ensure(self._admin, specs, replication=replication)
        except Unavailable:
            self._admin = AdminClient(self._config)
            raise

    def topics(self) -> dict[str, int]:
        """Give every topic's partition count."""
        topics = self._metadata().topics
        return {name: len(t.partitions) for name, t in topics.items() if t.error is None}

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """Give topic ids."""
        if not topics:
            return {}
        asked = TopicCollection(sorted(topics))
        answers = self._admin.describe_topics(asked, request_timeout=TIMEOUT_S)
        found = self._answers(answers, "describing topics", ignore=MISSING)
        return {name: str(description.topic_id) for name, description in found.items()}

    def cluster_id(self) -> str:
        """Give the cluster's id."""
        return str(self._metadata().cluster_id)

    def delete_topics(self, topics: Collection[str]) -> None:
        """Delete topics; those that do not exist are passed over."""
        for chunk in chunks(sorted(set(topics)), 500):
            futures = self._admin.delete_topics(chunk, request_timeout=TIMEOUT_S)
            self._answers(futures, "deleting topics", ignore=MISSING)

    def delete_records(self, before: Mapping[Partition, int]) -> None:
        """Delete the records below these offsets."""
        for chunk in chunks(before.items(), _PARTITIONS_MAX):
            parts = [TopicPartition(*partition, offset) for partition, offset in chunk]
            futures = self._admin.delete_records(parts, request_timeout=TIMEOUT_S)
            self._answers(futures, "deleting records", ignore=MISSING)

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, tuple[int, int]]:
        """Give each partition's log start and read_committed end."""
        found: dict[Partition, tuple[int, int]] = {}
        for chunk in chunks(partitions, _PARTITIONS_MAX):
            low = self._offsets(chunk, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
            high = self._offsets(chunk, OffsetSpec.latest())  # type: ignore[no-untyped-call]
            found |= {p: (low[p], high[p]) for p in chunk if p in low and p in high}
        return found

    def log_ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Give each log's very end, past what open transactions wrote."""
        found: dict[Partition, int] = {}
        for chunk in chunks(partitions, _PARTITIONS_MAX):
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
            found |= self._offsets(chunk, latest, isolation=IsolationLevel.READ_UNCOMMITTED)
        return found

    def offsets_for_times(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """Give each partition's first offset whose record has this time or a later one."""
        found: dict[Partition, int] = {}
        for chunk in chunks(times.items(), _PARTITIONS_MAX):
            asked = {
                TopicPartition(*place): OffsetSpec.for_timestamp(at_ms) for place, at_ms in chunk
            }
            first = self._list_offsets(asked)
            latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
            ends = self._offsets([place for place, _ in chunk], latest)
            for place, end in ends.items():
                # No record so late is -1; one that an open transaction hides is not yet there.
                found[place] = min(first[place], end) if first.get(place, -1) >= 0 else end
        return found

    def committed(
        self, group: str, partitions: Collection[Partition]
    ) -> dict[Partition, Committed]:
        """Read a group's commits from outside."""
        found: dict[Partition, Committed] = {}
        for chunk in chunks(partitions, _PARTITIONS_MAX):
            asked = ConsumerGroupTopicPartitions(group, to_list(chunk))
            for answer in self._read_commits(asked):
                for part in answer.topic_partitions:
                    if part.error is not None and part.error.code() not in MISSING:
                        raise unavailable(f"reading the commit of {part.topic}", part.error)
                    if (committed := committed_of(part)) is not None:
                        found[Partition(part.topic, part.partition)] = committed
        return found

    def members(self, group: str) -> set[str]:
        """Give the client ids that are members of the group now."""
        return {member.client_id for member in self._members(group)}

    def partitions_of(self, group: str) -> dict[Partition, str]:
        """Give which client id each assigned partition of the group belongs to now."""
        return {
            Partition(part.topic, part.partition): member.client_id
            for member in self._members(group)
            for part in member.assignment.topic_partitions
        }

    def close(self) -> None:
        """End; librdkafka does so by itself once nothing refers to the client."""

    def _metadata(self) -> Any:
        try:
            found = self._admin.list_topics(timeout=TIMEOUT_S)
        except KafkaException as raised:
            raise self._failed("listing topics", raised) from None
        if not found.brokers:
            raise self._failed("listing topics", "the cluster has no brokers")
        return found

    def _broker_settings(self) -> dict[str, str | None] | None:
        broker = min(self._metadata().brokers)
        resource = ConfigResource(ConfigResource.Type.BROKER, str(broker))
        futures = self._admin.describe_configs([resource], request_timeout=TIMEOUT_S)
        hidden = frozenset((KafkaError.CLUSTER_AUTHORIZATION_FAILED,))
        for entries in self._answers(futures, "reading broker settings", ignore=hidden).values():
            return {name: entry.value for name, entry in entries.items()}
        return None

    def _offsets(
        self,
        partitions: Collection[Partition],
        spec: OffsetSpec,
        *,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[Partition, int]:
        asked = dict.fromkeys(to_list(partitions), spec)
        return self._list_offsets(asked, isolation=isolation)

    def _list_offsets(
        self,
        asked: dict[TopicPartition, OffsetSpec],
        *,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[Partition, int]:
        futures = self._admin.list_offsets(
            asked, isolation_level=isolation, request_timeout=TIMEOUT_S
        )
        found = self._answers(futures, "asking for ends", ignore=MISSING)
        return {Partition(part.topic, part.partition): a.offset for part, a in found.items()}

    def _read_commits(self, asked: ConsumerGroupTopicPartitions) -> Collection[Any]:
        return self._of_coordinator(
            lambda: self._admin.list_consumer_group_offsets([asked], request_timeout=TIMEOUT_S),
            "reading commits",
        ).values()

    def _of_coordinator(self, ask: Callable[[], Any], doing: str) -> dict[Any, Any]:
        # Such a question under way while the broker goes makes librdkafka end the whole process
        # when it is back (its issue 4605, open). So first see that a broker answers; after a
        # failure this client is asked nothing more.
        self._metadata()
        return self._answers(ask(), doing, ignore=_NO_GROUP)

    def _members(self, group: str) -> list[Any]:
        found = self._of_coordinator(
            lambda: self._admin.describe_consumer_groups([group], request_timeout=TIMEOUT_S),
            "describing a group",
        )
        return [member for description in found.values() for member in description.members]

    def _answers(
        self, futures: Mapping[Any, Any], doing: str, *, ignore: Collection[int]
    ) -> dict[Any, Any]:
        """Wait for every answer; those that failed for a reason to ignore are left out.

        Raises:
            Unavailable: another reason.
        """
        found = {}
        for asked, future in futures.items():
            try:
                found[asked] = future.result(timeout=TIMEOUT_S + 1)
            except KafkaException as raised:
                if raised.args[0].code() not in ignore:
                    raise self._failed(doing, raised) from None
            except TimeoutError:
                raise self._failed(doing, "no answer in time") from None
        return found

    def _failed(self, doing: str, cause: object) -> Unavailable:
        # The client may have lost its brokers for good (reach.py); another costs nothing. With it
        # a late answer goes, too.
        self._admin = AdminClient(self._config)
        return unavailable(doing, cause)
