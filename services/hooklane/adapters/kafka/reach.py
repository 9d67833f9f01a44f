"""Whether a client still reaches its brokers, and what is wrong when only this one does not.

A sole broker that stops or starts may answer that its cluster has no brokers. librdkafka then
drops all it knew and now and then never looks for them again (its issue 5301, open in 2026), while
any new client is served. Waiting does not help; a new client does.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from hooklane.adapters.kafka.config import admin_config
from hooklane.adapters.kafka.failures import NO_BROKER, unavailable
from hooklane.adapters.ports import Clock
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Fenced

PROBE_TIMEOUT_S = 1.0
# A broker that is back is found again within a second or two.
LOST_AFTER_S = 10.0
LOST = "a client has lost its brokers and a new one has not: only a new process finds them again"


class Reachability:
    """Whether brokers answer: an error event raises suspicion, a question settles it."""

    def __init__(self, settings: KafkaSettings, clock: Clock) -> None:
        """Begin unsuspicious."""
        self._settings, self._clock = settings, clock
        self._suspicion: KafkaError | None = None
        self._since = 0.0

    def on_error(self, error: KafkaError) -> None:
        """Take librdkafka's word; it calls this inside poll."""
        if error.code() in NO_BROKER:
            if self._suspicion is None:
                self._since = self._clock.monotonic()
            self._suspicion = error

    def check(self, client: Any) -> None:
        """Ask a broker, if there is suspicion.

        Raises:
            Unavailable: none answered.
            Fenced: none has for long, and a new client is answered at once.
        """
        suspicion = self._suspicion
        if suspicion is None or self._settled(client, suspicion):
            return
        self._raise_if_lost(client)
        raise unavailable("no broker answers", suspicion)

    def watch(self, client: Any) -> None:
        """Ask only once suspicion is old: for whoever learns of an absence by other means.

        Raises:
            Fenced: no broker answers, and a new client is answered at once.
        """
        suspicion = self._suspicion
        if suspicion is not None and self._is_old() and not self._settled(client, suspicion):
            self._raise_if_lost(client)

    def is_lost(self, client: Any) -> bool:
        """Tell whether a new client is answered, and this one is not, not even after it."""
        return not _reaches(client) and self._only_a_new_one_reaches(client)

    def _raise_if_lost(self, client: Any) -> None:
        if self._is_old() and self._only_a_new_one_reaches(client):
            raise Fenced(f"Kafka: {LOST}")

    def _is_old(self) -> bool:
        return self._clock.monotonic() >= self._since + LOST_AFTER_S

    def _only_a_new_one_reaches(self, client: Any) -> bool:
        return _reaches(AdminClient(admin_config(self._settings))) and not _reaches(client)

    def _settled(self, client: Any, suspicion: KafkaError) -> bool:
        if not _reaches(client):
            return False
        if self._suspicion is suspicion:
            self._suspicion = None
        return True


def _reaches(client: Any) -> bool:
    try:
        return bool(client.list_topics(timeout=PROBE_TIMEOUT_S).brokers)
    except KafkaException:
        return False
