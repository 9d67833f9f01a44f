"""One HTTP/1.1 connection of the sandbox: bytes in, requests out, answers back, all of it bounded.

Requests on one connection are answered in their order. A peer that sends too much or no HTTP is
answered 4xx and cut; one that opens too many connections is cut at once.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httptools

from hooklane.receiver.behaviour import Answer, Ending

HEAD_BYTES_MAX: Final = 64 * 1024
BODY_BYTES_MAX: Final = 1024 * 1024
CONNECTIONS_MAX: Final = 4_096
PIPELINED_MAX: Final = 64
TRICKLE_EVERY_S: Final = 0.1
TRICKLE_BYTES: Final = 6_000  # ten minutes' worth; a sender has long gone by then
NO_BODY: Final = frozenset({204, 304})
RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: close sends RST


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A whole request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer and the JSON it carries."""

    answer: Answer
    body: bytes = b"{}"


class Connection(asyncio.Protocol):
    """Parses requests, asks `respond` for a reply and sends it in the way it says."""

    def __init__(self, respond: Callable[[Request], Reply], live: "set[Connection]") -> None:
        self._respond = respond
        self._live = live
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._fed = 0  # bytes since the last whole request
        self._parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or cut it if there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._live.add(self)
        if len(self._live) > CONNECTIONS_MAX:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Forget what was still to be answered."""
        self._live.discard(self)
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse what is too much or no HTTP."""
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED)
        except httptools.HttpParserCallbackError:
            raise  # a fault of ours, not of the peer
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        if not self._whole_head and self._fed > HEAD_BYTES_MAX:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif len(self._body) > BODY_BYTES_MAX:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif len(self._waiting) > PIPELINED_MAX:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)

    def on_message_begin(self) -> None:
        """Start a request (the parser's word for it)."""
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._whole_head = False

    def on_url(self, url: bytes) -> None:
        """Gather the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Gather a header; names in lower case, repeated ones joined."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._whole_head = True

    def on_body(self, body: bytes) -> None:
        """Gather the body as far as it is allowed."""
        if len(self._body) <= BODY_BYTES_MAX:
            self._body += body

    def on_message_complete(self) -> None:
        """Queue the request behind those of this connection that are not answered yet."""
        self._fed = 0
        too_much = len(self._body) > BODY_BYTES_MAX
        if too_much or self._parser.should_upgrade() or self._transport.is_closing():
            return
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=bytes(self._body),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        if not self._waiting or self._transport.is_closing():
            return
        self._busy = True
        request, keep_alive = self._waiting.popleft()
        reply = self._respond(request)
        delay_s = reply.answer.delay.total_seconds()
        if delay_s:
            self._later(delay_s, lambda: self._end(reply, keep_alive=keep_alive))
        else:
            self._end(reply, keep_alive=keep_alive)

    def _end(self, reply: Reply, *, keep_alive: bool) -> None:
        match reply.answer.ending:
            case Ending.RESET:
                self._reset()
            case Ending.HANG:
                pass  # busy for ever; the peer's patience ends it
            case Ending.TRICKLE:
                self._transport.write(_head(reply.answer, TRICKLE_BYTES, keep_alive=False))
                self._trickle(TRICKLE_BYTES)
            case Ending.ANSWER:
                body = b"" if reply.answer.status in NO_BODY else reply.body
                head = _head(reply.answer, len(body), keep_alive=keep_alive)
                self._transport.write(head + body)
                self._answered(keep_alive=keep_alive)

    def _answered(self, *, keep_alive: bool) -> None:
        self._busy = False
        if not keep_alive:
            self._transport.close()
        elif self._waiting:
            self._later(0, self._next)  # not by recursion: a peer chooses how many there are

    def _reset(self) -> None:
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
        self._transport.abort()

    def _trickle(self, left: int) -> None:
        if left and not self._transport.is_closing():
            self._transport.write(b" ")
            self._later(TRICKLE_EVERY_S, lambda: self._trickle(left - 1))
        else:
            self._transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        if not self._transport.is_closing():
            answer = Answer(status=status)
            self._transport.write(_head(answer, 0, keep_alive=False))
            self._transport.close()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, act)


def _head(answer: Answer, body_bytes: int, *, keep_alive: bool) -> bytes:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:  # 299 or 599: any status may be asked for
        phrase = "Asked For"
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    if answer.status not in NO_BODY:
        lines += ["content-type: application/json", f"content-length: {body_bytes}"]
    if answer.retry_after is not None:
        lines.append(f"retry-after: {answer.retry_after}")
    if not keep_alive:
        lines.append("connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1")
