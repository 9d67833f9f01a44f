"""One request on its way through a sender: what is known of it until its answer is made."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

from hooklane.adapters.http.answers import elapsed_ms
from hooklane.adapters.http.port import OnAnswer, Request, Timings

if TYPE_CHECKING:
    from hooklane.adapters.http.connection import Connection


class Exchange:
    """A request, its deadline on the loop's clock, and where it stands.

    `phase` names what is under way: waiting for a connection, dns, connect, tls, answer.
    """

    __slots__ = (
        "again",
        "connect_ms",
        "connection",
        "deadline",
        "dialing",
        "dns_ms",
        "first_byte_at",
        "on_answer",
        "phase",
        "request",
        "started",
        "tls_ms",
    )

    def __init__(self, request: Request, on_answer: OnAnswer, *, started: float) -> None:
        self.request = request
        self.on_answer = on_answer
        self.started = started
        self.deadline = started + request.timeout_ms / 1_000
        self.phase = "waiting for a connection"
        self.connection: Connection | None = None
        self.dialing: asyncio.Task[bool] | None = None
        self.first_byte_at = 0.0
        self.dns_ms: int | None = None
        self.connect_ms: int | None = None
        self.tls_ms: int | None = None
        # Whether a stale kept-alive connection already cost this request its one further try.
        self.again = False

    def timings(self, now: float) -> Timings:
        """Give what each part took, up to now."""
        first = self.first_byte_at
        return _timings(
            self.dns_ms,
            self.connect_ms,
            self.tls_ms,
            elapsed_ms(self.started, first) if first else None,
            elapsed_ms(self.started, now),
        )


@functools.lru_cache(maxsize=4_096)
def _timings(
    dns: int | None, connect: int | None, tls: int | None, first_byte: int | None, total: int
) -> Timings:
    """Make the value once for all answers that took as long: finding it costs a tenth of it."""
    return Timings(dns=dns, connect=connect, tls=tls, first_byte=first_byte, total=total)
