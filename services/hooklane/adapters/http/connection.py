"""One kept-alive HTTP/1.1 connection: writes a request, reads its answer within bounds.

Promises its owner exactly one call per request sent: `answered` once the answer is whole or enough
of it was read, `lost` where the connection ended or turned to garbage first. At most one request is
on it, so what can wait for a peer that does not read is one request's bytes, and pausing the writer
would change nothing.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from hooklane.adapters.http.answer_parser import AnswerParser
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.target import Origin

# Up to here head and body are joined to one write; above, the body is handed over uncopied.
JOINED_BYTES_MAX = 32_768


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def answered(self, connection: Connection, exchange: Exchange, *, reusable: bool) -> None:
        """Take the answer that was read; the connection is free, and reusable or ended."""

    def lost(self, connection: Connection, exchange: Exchange, *, reason: str) -> None:
        """Take back a request whose connection ended before a status line."""

    def gone(self, connection: Connection) -> None:
        """Forget a connection that ended; called before answered or lost where it has one."""


class Connection(AnswerParser, asyncio.Protocol):
    """The protocol of one connection; `fields`, `body` and `status` are the last answer's."""

    __slots__ = (
        "_loop",
        "_owner",
        "_transport",
        "born",
        "ended",
        "exchange",
        "idle_since",
        "key",
        "served",
    )

    def __init__(self, owner: Owner, key: Origin) -> None:
        super().__init__()
        self._owner = owner
        self.key = key
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self.ended = False
        self.born = self._loop.time()
        self.idle_since = 0.0
        self.served = 0
        self.exchange: Exchange | None = None

    def send(self, exchange: Exchange) -> None:
        """Write a request; the connection must be free."""
        self.clear()
        self.exchange = exchange
        exchange.connection = self
        exchange.phase = "answer"
        request = exchange.request
        self.body_kept_bytes = request.body_kept_bytes
        body = request.body
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        transport = self._transport
        assert transport is not None, "sent before it was connected, or after it was lost"
        if len(body) <= JOINED_BYTES_MAX:
            transport.write(b"".join((request.target.head, request.headers, length, body)))
        else:
            transport.write(b"".join((request.target.head, request.headers, length)))
            transport.write(body)

    def end(self) -> None:
        """Close at once, and tell the owner that the connection is gone."""
        if not self.ended:
            self.ended = True
            self._owner.gone(self)
        if self._transport is not None:
            self._transport.abort()

    def abandon(self) -> bool:
        """End in the midst of an answer; tell whether its status line was read, into `status`."""
        self.status = self.final_status or 0
        self.exchange = None
        self.end()
        return self.status != 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on in the answer."""
        exchange = self.exchange
        if exchange is None:
            # Nobody asked: whatever this is must not become the next request's answer.
            self.end()
            return
        if not self.received:
            exchange.first_byte_at = self._loop.time()
        fault = self.feed(data)
        if self.complete:
            self._finish(exchange)
        elif fault:
            self._give_up(exchange, fault)

    def eof_received(self) -> None:
        """Let the transport close, and nobody take it meanwhile; `connection_lost` follows."""
        if self.exchange is None:
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Judge the open request by what was read until now."""
        exchange = self.exchange
        if exchange is not None:
            if exc is None:
                self.no_more()
            reason = f"connection lost: {exc}" if exc else "connection closed before an answer"
            self._give_up(exchange, reason)
        else:
            self.end()
        self._transport = None
        self.forget()

    def _finish(self, exchange: Exchange) -> None:
        """Hand over a whole answer."""
        self.exchange = exchange.connection = None
        self.served += 1
        transport = self._transport
        reusable = (
            self.keep_alive
            and not self.surplus
            and transport is not None
            # Answered before the body was sent: the rest of it must not go first.
            and transport.get_write_buffer_size() == 0
        )
        if not reusable:
            self.end()
        self._owner.answered(self, exchange, reusable=reusable)

    def _give_up(self, exchange: Exchange, reason: str) -> None:
        """End the connection; the status decides where it was read."""
        exchange.connection = None
        if self.abandon():
            self._owner.answered(self, exchange, reusable=False)
        else:
            self._owner.lost(self, exchange, reason=reason)
