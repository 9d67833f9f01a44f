"""One kept-alive HTTP/1.1 connection: writes a request, reads its answer within bounds.

Reads bytes from its transport into llhttp. Promises its owner exactly one call per request sent:
`answered` once the answer is whole or enough of it was read, `lost` where the connection ended or
turned to garbage first. At most one request is on it, so what can wait for a peer that does not
read is one request's bytes, and pausing the writer would change nothing.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

from hooklane.adapters.http.answers import (
    BODY_BYTES_MAX,
    BODY_KEPT_BYTES,
    FIELDS_MAX,
    HEAD_BYTES_MAX,
    INTERIM_ANSWERS_MAX,
    is_final,
)
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.target import Origin

# Up to here head and body are joined to one write; above, the body is handed over uncopied.
JOINED_BYTES_MAX = 32_768


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def answered(self, connection: Connection, exchange: Exchange, *, reusable: bool) -> None:
        """Take the answer that was read; the connection is free, and reusable or ended."""

    def lost(self, connection: Connection, exchange: Exchange, reason: str) -> None:
        """Take back a request whose connection ended before a status line."""

    def gone(self, connection: Connection) -> None:
        """Forget a connection that ended; called once, before answered or lost where it has one."""


class Connection(asyncio.Protocol):
    """The protocol of one connection; `fields`, `body` and `status` are the last answer's."""

    __slots__ = (
        "_complete",
        "_interim",
        "_keep_alive",
        "_kept",
        "_limit",
        "_loop",
        "_owner",
        "_parser",
        "_status_read",
        "_surplus",
        "_transport",
        "body",
        "born",
        "ended",
        "exchange",
        "fields",
        "idle_since",
        "key",
        "received",
        "served",
        "status",
    )

    def __init__(self, owner: Owner, key: Origin) -> None:
        self._owner = owner
        self.key = key
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.ended = False
        self.born = self._loop.time()
        self.idle_since = 0.0
        self.served = 0
        self.exchange: Exchange | None = None
        self._clear()

    def _clear(self) -> None:
        """Forget the last answer."""
        self.received = 0
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self._limit = HEAD_BYTES_MAX
        self._status_read = False
        self._complete = False
        self._surplus = False
        self._keep_alive = False
        self._interim = 0
        self._kept = 0

    def send(self, exchange: Exchange) -> None:
        """Write a request; the connection must be free."""
        self._clear()
        self.exchange = exchange
        exchange.connection = self
        exchange.phase = "answer"
        request = exchange.request
        body = request.body
        head = b"%b%bContent-Length: %d\r\n\r\n" % (
            request.target.head,
            request.headers,
            len(body),
        )
        transport = cast("asyncio.Transport", self._transport)
        if len(body) <= JOINED_BYTES_MAX:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    @property
    def final_status(self) -> int | None:
        """Give the status of the answer under way, once its status line was read."""
        status: int = self._parser.get_status_code() if self._status_read else 0
        return status if is_final(status) else None

    def end(self) -> None:
        """Close at once, and tell the owner that the connection is gone."""
        if not self.ended:
            self.ended = True
            self._owner.gone(self)
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed an answer's bytes to the parser, as many as its bounds leave room for."""
        exchange = self.exchange
        if exchange is None:
            # Nobody asked: whatever this is must not become the next request's answer.
            self.end()
            return
        if not self.received:
            exchange.first_byte_at = self._loop.time()
        self.received += len(data)
        over = self.received - self._limit
        if over > 0:
            data = data[:-over]
        fault = ""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._surplus = True
        except httptools.HttpParserError as error:
            self._surplus = True
            fault = f"not an HTTP answer: {error.__context__ or error}"
        if self._complete:
            self._finish(exchange)
        elif fault or over > 0:
            self._give_up(exchange, fault or "the answer's head is too large")

    def eof_received(self) -> None:
        """Let the transport close; `connection_lost` follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Judge the open request by what was read until now."""
        exchange = self.exchange
        if exchange is not None:
            reason = f"connection lost: {exc}" if exc else "connection closed before an answer"
            self._give_up(exchange, reason)
        else:
            self.end()
        self._transport = None
        # The parser holds our methods: without it nothing waits for the cycle collector.
        del self._parser

    def _finish(self, exchange: Exchange) -> None:
        """Hand over a whole answer."""
        self.exchange = exchange.connection = None
        self.served += 1
        transport = self._transport
        reusable = (
            self._keep_alive
            and not self._surplus
            and transport is not None
            # Answered before the body was sent: the rest of it must not go first.
            and transport.get_write_buffer_size() == 0
        )
        if not reusable:
            self.end()
        self._owner.answered(self, exchange, reusable=reusable)

    def _give_up(self, exchange: Exchange, reason: str) -> None:
        """End the connection; the status decides where it was read."""
        self.status = self.final_status or 0
        self.exchange = exchange.connection = None
        self.end()
        if self.status:
            self._owner.answered(self, exchange, reusable=False)
        else:
            self._owner.lost(self, exchange, reason)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Notice bytes behind the answer."""
        if self._complete:
            raise ValueError("bytes behind the answer")

    def on_status(self, _reason: bytes) -> None:
        """Note that version and status were read."""
        self._status_read = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._status_read = True
        fields = self.fields
        if len(fields) >= FIELDS_MAX:
            raise ValueError("too many headers")
        fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the status; let an interim answer pass."""
        self.status = self._parser.get_status_code()
        if is_final(self.status):
            self._keep_alive = self._parser.should_keep_alive()
            self._limit = self.received + BODY_BYTES_MAX
            return
        self._interim += 1
        self._status_read = False
        self.fields.clear()
        if self._interim > INTERIM_ANSWERS_MAX or self.status < 100:
            raise ValueError("too many interim answers" if self.status >= 100 else "bad status")

    def on_body(self, data: bytes) -> None:
        """Keep the body's beginning."""
        if self._kept < BODY_KEPT_BYTES:
            self._kept += len(data)
            self.body.append(data)

    def on_message_complete(self) -> None:
        """Note that the answer is whole; `data_received` hands it over, once nothing follows."""
        if is_final(self.status):
            self._complete = True
