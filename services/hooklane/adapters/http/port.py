"""The port of outgoing HTTP: what a deliverer hands in, and the value that it gets back.

A sender belongs to one event loop and one thread. It never raises for what a receiver, the network
or the resolver does: each submitted request is answered exactly once, with an `Answer`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hooklane.adapters.http.answers import BODY_KEPT_BYTES
from hooklane.adapters.http.target import Target, header_lines, target
from hooklane.domain.attempt import Outcome, Timings

__all__ = [
    "Answer",
    "Limits",
    "OnAnswer",
    "Outcome",
    "Request",
    "Sender",
    "Target",
    "Timings",
    "header_lines",
    "target",
]


NO_TIMINGS = Timings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a sender holds; over a limit a request waits, over `waiting_max` it fails."""

    connections_per_host_max: int = 64
    connections_max: int = 1_024
    waiting_max: int = 10_000
    idle_ms: int = 30_000
    # A connection is not used again past this age, so that a changed DNS answer is followed.
    age_ms_max: int = 300_000


# Request and Answer are made once a delivery and never changed; not frozen, because making a frozen
# one takes 1.0 us longer (measured), a tenth of what a whole POST may cost.
@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One attempt's request; compared by identity, because `cut` means this one.

    `headers` are the lines that change per attempt, each ending in CRLF. Content-Length is the
    sender's. `context` is the caller's own and comes back untouched. `body_kept_bytes` is how much
    of the answer's body is wanted, at most the 64 KiB that are read.
    """

    target: Target
    headers: bytes
    body: bytes
    timeout_ms: int = 15_000
    connect_timeout_ms: int = 5_000
    context: object = None
    body_kept_bytes: int = BODY_KEPT_BYTES


@dataclass(slots=True, kw_only=True)
class Answer:
    """What one request met.

    The status line decides once it was read, whatever becomes of the rest: a truncated, oversized
    or trickling answer changes nothing. `error` is a short reason where there is one. `headers` are
    kept up to 8 KiB, `body` up to 16 KiB unless the request wanted more. `retry_after` is the raw
    header of an answer that is not 2xx. `is_whole` tells of an answer with a status whether `body`
    is surely all that the receiver said: read to an announced end, or none at all, and nothing of
    it left out.
    """

    outcome: Outcome
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""
    timings_ms: Timings = NO_TIMINGS
    retry_after: str | None = None
    is_whole: bool = True


OnAnswer = Callable[[Request, Answer], None]


class Sender(Protocol):
    """Posts requests and answers each exactly once, on the loop."""

    def submit(self, request: Request, on_answer: OnAnswer) -> None:
        """Send a request; never raises, and never calls `on_answer` before it returns.

        `on_answer` may submit again. What it raises goes to the loop's exception handler.
        """

    def cut(self, request: Request) -> None:
        """End an open request now; one that is not open is left alone.

        `on_answer` is called before this returns: timed_out, or by the status if that was read.
        """

    @property
    def open_count(self) -> int:
        """How many requests are submitted and not yet answered."""

    async def close(self) -> None:
        """Cut what is open, end every connection, and refuse (failed) what is submitted later."""
