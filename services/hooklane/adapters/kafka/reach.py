"""Whether a client still reaches its brokers, and what is wrong when only this one does not.

A sole broker that stops or starts may answer that its cluster has no brokers. librdkafka then
drops all it knew and now and then never looks for them again (its issue 5301, open in 2026), while
any new client is served. Waiting does not help; a new client does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from hooklane.adapters.kafka.config import admin_config
from hooklane.adapters.kafka.failures import NO_BROKER, unavailable
from hooklane.adapters.ports import Clock
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Fenced

PROBE_TIMEOUT_S = 1.0
# A new client is made and asked this often at most: it costs threads, and up to a second.
COMPARED_EVERY_S = 5.0
# More than a client takes to find a broker that is back: it gives a connect up after 10 s.
LOST_AFTER_S = 20.0
LOST = "this client has long not been answered, new ones are: librdkafka has lost its brokers"


class Reachability:
    """Whether brokers answer: an error event raises suspicion, a question settles it."""

    def __init__(self, new_client: Callable[[], Any], clock: Clock) -> None:
        """Begin unsuspicious; `new_client` is compared with."""
        self._new_client, self._clock = new_client, clock
        self._suspicion: KafkaError | None = None
        self._alone_since: float | None = None
        self._compared_at = -math.inf

    def on_error(self, error: KafkaError) -> None:
        """Take librdkafka's word; it calls this inside poll."""
        if error.code() in NO_BROKER:
            self._suspicion = error

    def check(self, client: Any) -> None:
        """Ask a broker, if there is suspicion.

        Raises:
            Unavailable: none answered.
            Fenced: none has for long, while new clients are answered.
        """
        suspicion = self._suspicion
        if suspicion is None or self._is_answered(client):
            return
        if self._is_due() and self._is_long_alone():
            raise Fenced(f"Kafka: {LOST}")
        raise unavailable("no broker answers", suspicion)

    def watch(self, client: Any) -> None:
        """Compare now and then, while there is suspicion: for whoever notices absence by himself.

        Raises:
            Fenced: no broker has answered for long, while new clients are answered.
        """
        if self._suspicion is not None and self.is_lost(client):
            raise Fenced(f"Kafka: {LOST}")

    def is_lost(self, client: Any) -> bool:
        """Compare now and then; tell whether for long only this client has not been answered."""
        return self._is_due() and not self._is_answered(client) and self._is_long_alone()

    def _is_answered(self, client: Any) -> bool:
        if not _reaches(client):
            return False
        self._suspicion = self._alone_since = None
        return True

    def _is_due(self) -> bool:
        now = self._clock.monotonic()
        if now < self._compared_at + COMPARED_EVERY_S:
            return False
        self._compared_at = now
        return True

    def _is_long_alone(self) -> bool:
        now = self._clock.monotonic()
        if not _reaches(self._new_client()):
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        return self._alone_since is not None and now >= self._alone_since + LOST_AFTER_S


def reachability(settings: KafkaSettings, clock: Clock) -> Reachability:
    """Watch a client of this cluster."""
    return Reachability(lambda: AdminClient(admin_config(settings)), clock)


def _reaches(client: Any) -> bool:
    try:
        return bool(client.list_topics(timeout=PROBE_TIMEOUT_S).brokers)
    except KafkaException:
        return False
