"""One transaction at a time, each error turned into what the owner can do about it.

Aborted: nothing of it is visible, do it again. Fenced: stop the process, because another holds
the id, or because only a new start can learn what became of the transaction or reach the brokers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.kafka.commits import requests
from hooklane.adapters.kafka.config import transactional_config
from hooklane.adapters.kafka.failures import MISSING, error_of, unavailable
from hooklane.adapters.kafka.member import KafkaMember
from hooklane.adapters.kafka.producer import queue
from hooklane.adapters.kafka.reach import reachability
from hooklane.adapters.ports import Member
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

OPEN_TIMEOUT_S = 5.0
# librdkafka asks again and again about an unknown topic's offsets until this is over.
OFFSETS_TIMEOUT_S = 2.0
CALL_TIMEOUT_S = 5.0
# After this a commit's or abort's outcome is left to the next process to find out.
OUTCOME_TIMEOUT_S = 30.0
_POLL_EVERY = 1_000


class KafkaTransactionalProducer:
    """The holder of a transactional id; all calls on one thread."""

    def __init__(self, settings: KafkaSettings, *, transactional_id: str) -> None:
        """Prepare; the id is taken over at the first `begin` or `open`."""
        self._clock = SystemClock()
        self._reachable = reachability(settings, self._clock)
        config = transactional_config(settings, transactional_id=transactional_id)
        self._producer = Producer({**config, "error_cb": self._reachable.on_error})
        self._opened = self._begun = False
        self._known: set[str] = set()
        self._gone: set[str] = set()
        self._produced = 0

    def open(self) -> None:
        """Take the transactional id over; whoever held it is fenced, its transaction aborted.

        Raises:
            Unavailable: no coordinator answers; call again.
        """
        if self._opened:
            return
        try:
            self._producer.init_transactions(OPEN_TIMEOUT_S)
        except KafkaException as raised:
            self._raise_if_fatal(raised)
            self._watch()
            raise unavailable("taking over the transactional id", raised) from None
        self._opened = True

    def begin(self) -> None:
        """Open a transaction."""
        assert not self._begun, "a transaction is open"
        self.open()
        try:
            self._producer.begin_transaction()
        except KafkaException as raised:
            self._raise_if_fatal(raised)
            raise unavailable("beginning a transaction", raised) from None
        self._begun = True

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Queue a record in the transaction."""
        if topic not in self._known:
            self._learn(topic)
        fields: dict[str, Any] = {"key": key, "headers": headers}
        if partition is not None:
            fields["partition"] = partition
        self._produced += 1
        if self._produced % _POLL_EVERY == 0:
            self._producer.poll(0)
        try:
            queue(self._producer, topic, value=value, clock=self._clock, **fields)
        except KafkaException as raised:
            self._give_up(f"producing to {topic}", raised)
        except Unavailable as raised:
            self._give_up(f"producing to {topic}", raised)

    def send_offsets(self, offsets: Mapping[Partition, Committed], member: Member) -> set[str]:
        """Commit these with the transaction; give the topics that no longer exist."""
        assert isinstance(member, KafkaMember), "offsets of another cluster"
        gone = {partition.topic for partition in offsets} & self._gone
        if gone:
            self._gone -= self._existing(gone)
            gone &= self._gone
        there = {p: committed for p, committed in offsets.items() if p.topic not in gone}
        metadata = member.group_metadata
        for request in requests(there):
            try:
                self._until_known(
                    lambda request=request: self._producer.send_offsets_to_transaction(  # type: ignore[misc]
                        request, metadata, OFFSETS_TIMEOUT_S
                    )
                )
            except KafkaException as raised:
                error = error_of(raised)
                if error is not None and error.code() in MISSING:
                    self._note_gone({part.topic for part in request})
                self._give_up("committing offsets in a transaction", raised)
        return gone

    def commit(self) -> None:
        """Make it all visible."""
        try:
            self._until_known(lambda: self._producer.commit_transaction(CALL_TIMEOUT_S))
        except KafkaException as raised:
            # It may be that a topic was deleted: ask again before the next record.
            self._known.clear()
            self._give_up("committing a transaction", raised)
        self._begun = False

    def abort(self) -> None:
        """Make it never have happened."""
        if not self._begun:
            return
        try:
            self._until_known(lambda: self._producer.abort_transaction(CALL_TIMEOUT_S))
        except KafkaException as raised:
            raise Fenced(f"an abort failed: {raised}") from None
        self._begun = False

    def close(self) -> None:
        """Abort what is open and end."""
        self.abort()

    def _until_known(self, call: Callable[[], None]) -> None:
        deadline = self._clock.monotonic() + OUTCOME_TIMEOUT_S
        while True:
            try:
                call()
            except KafkaException as raised:
                self._raise_if_fatal(raised)
                error = error_of(raised)
                if error is None or not error.retriable():
                    raise
                if self._clock.monotonic() >= deadline:
                    raise Fenced(f"a transaction's outcome is unknown: {error.str()}") from None
            else:
                return

    def _raise_if_fatal(self, raised: KafkaException) -> None:
        error = error_of(raised)
        if error is not None and (error.fatal() or error.code() in _TAKEN_OVER):
            self._begun = False
            raise Fenced(error.str()) from None

    def _give_up(self, doing: str, cause: BaseException) -> None:
        if isinstance(cause, KafkaException):
            self._raise_if_fatal(cause)
        self.abort()
        error = error_of(cause)
        said = error.str() if error is not None else str(cause)
        raise TransactionAborted(f"{doing}: {said}") from None

    def _watch(self) -> None:
        # Error events are told inside poll, and no call here but a flush is one.
        self._producer.poll(0)
        self._reachable.watch(self._producer)

    def _learn(self, topic: str) -> None:
        # Producing to a topic that does not exist would block the commit until the timeout.
        try:
            if existing := self._existing({topic}):
                self._known |= existing
                return
        except Unavailable as raised:
            self._give_up(f"producing to {topic}", raised)
        self.abort()
        raise TransactionAborted(f"there is no topic {topic}", topic=topic)

    def _note_gone(self, topics: set[str]) -> None:
        try:
            self._gone |= topics - self._existing(topics)
        except Unavailable:
            return

    def _existing(self, topics: set[str]) -> set[str]:
        only = next(iter(topics)) if len(topics) == 1 else None
        try:
            answer = self._producer.list_topics(only, CALL_TIMEOUT_S).topics
        except KafkaException as raised:
            self._watch()
            raise unavailable("listing topics", raised) from None
        return {topic for topic in topics if topic in answer and answer[topic].error is None}


_TAKEN_OVER = frozenset((KafkaError._FENCED, KafkaError.PRODUCER_FENCED))  # noqa: SLF001  its name
