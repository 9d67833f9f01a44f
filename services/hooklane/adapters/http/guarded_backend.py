"""What stands between httpx's engine (httpcore) and the network: our address policy and bounds.

`GuardedBackend` resolves, judges and connects as the lean sender does; `WatchedStream` reads along
with what the engine reads, so that a status line counts as soon as it was read, an early answer
stops the writing, and bytes behind an answer spoil the connection. Both act for the `Course` that
the running task is on. The engine's own timeouts are never set.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import httpcore

from hooklane.adapters.http.addresses import AddressPolicy
from hooklane.adapters.http.answer_parser import AnswerParser
from hooklane.adapters.http.answers import elapsed_ms
from hooklane.adapters.http.dial import connect_in_turn, permitted_addresses
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.port import OnAnswer, Request
from hooklane.adapters.http.resolver import Resolver

# Larger writes are watched for an early answer.
WATCHED_WRITE_BYTES = 65_536
READ_BYTES = 65_536


class Course(Exchange):
    """An exchange on its way through the engine: its task, and the stream that carries it."""

    __slots__ = ("dialed", "stream", "waits", "work")

    def __init__(self, request: Request, on_answer: OnAnswer, *, started: float) -> None:
        super().__init__(request, on_answer, started=started)
        self.work: asyncio.Task[None] | None = None
        self.stream: WatchedStream | None = None
        self.dialed = False
        # Whether it is counted among those that wait for their turn.
        self.waits = True


ANY_ADDRESS = AddressPolicy(allowed_networks=(IPv4Network("0.0.0.0/0"), IPv6Network("::/0")))
COURSE: ContextVar[Course] = ContextVar("course")


class WatchedStream(httpcore.AsyncNetworkStream):
    """One connection's bytes."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, streams: set[WatchedStream]) -> None:
        self._inner = inner
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._early = b""
        self.born = self.used = self._loop.time()
        self.closed = False
        tls: ssl.SSLObject | None = inner.get_extra_info("ssl_object")
        speaks_h2 = tls is not None and tls.selected_alpn_protocol() == "h2"
        self.answer = None if speaks_h2 else AnswerParser()
        streams.add(self)

    @property
    def is_idle(self) -> bool:
        """Tell whether the last answer was read whole and nothing was asked since."""
        return self.answer is not None and self.answer.complete

    @property
    def is_spoiled(self) -> bool:
        """Tell whether the connection must not be used again."""
        return self.closed or (self.answer is not None and self.answer.surplus)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Read, and judge what was read before the engine does."""
        course = COURSE.get()
        course.stream = self
        piece, self._early = self._early, b""
        piece = piece or await self._inner.read(max_bytes, timeout)
        self.used = self._loop.time()
        if piece and not course.first_byte_at:
            course.first_byte_at = self.used
        fault = self.answer.feed(piece) if self.answer is not None and piece else ""
        if fault:
            raise httpcore.RemoteProtocolError(fault)
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write; the first write after a whole answer begins the next exchange."""
        course = COURSE.get()
        course.phase = "answer"
        course.stream = self
        if self.answer is not None and self.answer.complete:
            self.answer.clear()
        if self.answer is None or len(buffer) < WATCHED_WRITE_BYTES:
            await self._inner.write(buffer, timeout)
        else:
            await self._write_watched(buffer)

    async def _write_watched(self, buffer: bytes) -> None:
        """Write until an early answer comes; the engine then stops writing and reads it."""
        writing = self._loop.create_task(self._inner.write(buffer))
        reading = self._loop.create_task(self._inner.read(READ_BYTES))
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            written = writing.done()
            writing.cancel()
            reading.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
        if not reading.cancelled() and reading.exception() is None:
            self._early = reading.result()
        if not written:
            raise httpcore.WriteError("answered before the request was sent")
        writing.result()

    async def aclose(self) -> None:
        """Close."""
        self.closed = True
        self._streams.discard(self)
        if self.answer is not None and not self.answer.complete:
            self.answer.surplus = True
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  the course's deadline counts
    ) -> httpcore.AsyncNetworkStream:
        """Put TLS on the connection, within the connect's deadline."""
        course = COURSE.get()
        course.phase, began = "tls", self._loop.time()
        self._streams.discard(self)
        try:
            async with asyncio.timeout_at(course.deadline):
                inner = await self._inner.start_tls(ssl_context, server_hostname, None)
        except TimeoutError:
            await self._inner.aclose()
            raise httpcore.ConnectTimeout("tls timed out") from None
        except httpcore.ConnectError as error:
            raise httpcore.ConnectError(f"tls: {error}") from None
        except asyncio.CancelledError:
            # The engine closes a stream whose handshake failed, not one whose handshake was cut.
            await self._inner.aclose()
            raise
        course.tls_ms = elapsed_ms(began, self._loop.time())
        return WatchedStream(inner, self._streams)

    def get_extra_info(self, info: str) -> Any:
        """Answer for the inner stream; a spoiled one is `readable`: the engine drops it."""
        if info == "is_readable" and self.is_spoiled:
            return True
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to what the policy permits, and to the operator's own proxy."""

    def __init__(
        self, *, policy: AddressPolicy, resolver: Resolver, proxy: tuple[str, int] | None
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._proxy = proxy
        self._backend = httpcore.AnyIOBackend()
        self.streams: set[WatchedStream] = set()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  the course's deadline counts
        local_address: str | None = None,  # noqa: ARG002  never set by us
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  likewise
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a judged address of the host, within the connect's deadline."""
        course = COURSE.get()
        course.dialed = True
        loop = asyncio.get_running_loop()
        request = course.request
        course.deadline = min(
            course.started + request.timeout_ms / 1_000,
            loop.time() + request.connect_timeout_ms / 1_000,
        )
        try:
            async with asyncio.timeout_at(course.deadline):
                inner = await self._connect(course, host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{course.phase} timed out") from None
        return WatchedStream(inner, self.streams)

    async def _connect(self, course: Course, host: str, port: int) -> httpcore.AsyncNetworkStream:
        """Resolve, judge and connect; the proxy is the operator's choice and not judged."""
        policy = ANY_ADDRESS if (host, port) == self._proxy else self._policy
        addresses = await permitted_addresses(course, host, policy=policy, resolver=self._resolver)

        async def connect(address: str) -> httpcore.AsyncNetworkStream:
            try:
                return await self._backend.connect_tcp(address, port)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                raise _cause(error) from None

        return await connect_in_turn(course, addresses, connect=connect)


def _cause(error: BaseException) -> OSError:
    """Find the system's own reason behind the engine's wrappers."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, OSError) and reason.errno in errno.errorcode:
            return reason
        reason = reason.__cause__ or reason.__context__
    return OSError(str(error))
