"""The open requests of a sender: each is answered once, and what is refused is answered too."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from hooklane.adapters.http.answers import short
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.port import Answer, Limits, Outcome, Request

E = TypeVar("E", bound=Exchange)


class Ledger(Generic[E]):
    """What both senders keep of a request between `submit` and its answer."""

    def __init__(self, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._open: dict[Request, E] = {}
        self._closed = False

    @property
    def open_count(self) -> int:
        """How many requests are submitted and not yet answered."""
        return len(self._open)

    def _is_open(self, exchange: E) -> bool:
        """Tell whether an exchange still waits for its answer."""
        return self._open.get(exchange.request) is exchange

    def _refused(self, exchange: E, waiting_count: int) -> bool:
        """Refuse a request that cannot be taken; its answer follows on the loop's next turn."""
        request = exchange.request
        headers = request.headers
        if self._closed:
            reason = "the sender is closed"
        elif request in self._open:
            reason = "the request is already open"
        elif waiting_count >= self._limits.waiting_max:
            reason = "too many requests wait for a connection"
        elif headers and (headers[-2:] != b"\r\n" or b"\r\n\r\n" in headers):
            reason = "illegal headers"
        else:
            return False
        self._loop.call_soon(self._call, exchange, Answer(outcome=Outcome.FAILED, error=reason))
        return True

    def _fail(self, exchange: E, outcome: Outcome, reason: str) -> None:
        """Answer a request that met no status line."""
        timings = exchange.timings(self._loop.time())
        answer = Answer(outcome=outcome, error=short(reason), timings_ms=timings)
        self._answer(exchange, answer)

    def _answer(self, exchange: E, answer: Answer) -> None:
        """Hand over an answer, once."""
        request = exchange.request
        if self._open.get(request) is exchange:
            del self._open[request]
            self._call(exchange, answer)

    def _call(self, exchange: E, answer: Answer) -> None:
        """Call back; what the caller raises is reported and ends nothing here."""
        try:
            exchange.on_answer(exchange.request, answer)
        except Exception as error:
            self._report(error, "on_answer failed")

    def _report(self, error: Exception, text: str) -> None:
        """Tell the loop's exception handler of a bug."""
        self._loop.call_exception_handler({"message": text, "exception": error})
