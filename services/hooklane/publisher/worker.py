"""The ingest door's worker: starts what answers, then watches what it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hooklane.adapters.ports import Admin, Clock
from hooklane.domain.errors import Unavailable
from hooklane.publisher.acks import Acks

STEP_S = 0.5
KAFKA_ASKED_EVERY_S = 5.0


class Server(Protocol):
    """Answers requests."""

    def start(self) -> None:
        """Begin to answer."""

    def stop(self) -> None:
        """Finish what is being answered, then end."""


@dataclass(slots=True, kw_only=True, eq=False)
class Ingest:
    """Everything happens on the server's loop and the acks' thread; a step only looks."""

    server: Server
    acks: Acks
    admin: Admin
    clock: Clock
    is_started: bool = False
    reason: str | None = "starting"
    asked_at: float = 0.0

    def start(self) -> None:
        """Begin to answer at once: while Kafka is away the answer says so."""
        if not self.is_started:
            self.acks.start()
            self.server.start()
            self.is_started = True
        self._ask()

    def step(self) -> None:
        """See that the threads live and that Kafka answers."""
        self.clock.sleep(STEP_S)
        if self.acks.failure is not None:
            raise self.acks.failure
        if self.reason or self.clock.monotonic() >= self.asked_at + KAFKA_ASKED_EVERY_S:
            self._ask()

    def stop(self) -> None:
        """Finish what is being answered, then what is on its way."""
        if self.is_started:
            self.server.stop()
        self.acks.stop()
        self.admin.close()

    def not_ready(self) -> str | None:
        """Say whether Kafka is away."""
        return self.reason

    def _ask(self) -> None:
        self.asked_at = self.clock.monotonic()
        try:
            self.admin.topics()
        except Unavailable as error:
            self.reason = str(error)
            raise
        self.reason = None
