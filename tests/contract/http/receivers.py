"""Receivers on loopback that misbehave on purpose, byte by byte, for the senders' contract.

A receiver is a script: a coroutine that is run for each connection with its reader and writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

from hooklane.adapters.http.port import Request, target

Script = Callable[["Visit"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
SHORT_MS = 250
# How much later than its deadline a request may be seen to end on a busy machine.
SLACK_MS = 2_000


def outcome_and_status(answer):
    """What most tests ask of an answer."""
    return answer.outcome, answer.status


async def no_connection_left(receiver) -> None:
    """Wait until the sender has hung up everywhere."""
    while receiver.open:
        await asyncio.gather(*receiver.visits)


def request_to(url, *, headers=b"webhook-id: evt_1\r\n", custom=None, verify_tls=True, **changes):
    """Make a request with short deadlines."""
    defaults = {"body": b'{"id":"evt_1"}', "timeout_ms": 2_000, "connect_timeout_ms": 1_000}
    aim = target(url, custom or {"content-type": "application/json"}, verify_tls=verify_tls)
    return Request(target=aim, headers=headers, **(defaults | changes))


class Visit:
    """One connection to a receiver, as its script sees it."""

    def __init__(self, receiver, reader, writer):
        self.receiver = receiver
        self.number = receiver.connections
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """Read a request up to its blank line."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.receiver.heads.append(head)
        return head

    async def request(self) -> bytes:
        """Read a whole request; give its body."""
        head = await self.head()
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = await self.reader.readexactly(size)
        self.receiver.bodies.append(body)
        return body

    async def say(self, *parts: bytes) -> None:
        """Write bytes, as far as the peer takes them."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def until_hung_up(self, seconds: float | None = None) -> bool:
        """Wait until the peer has hung up; tell whether it has."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65_536):
                    pass
        except TimeoutError:
            return False
        return True

    def reset(self) -> None:
        """Close with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Receiver:
    """Counts what comes and runs the script on it."""

    def __init__(self, script: Script):
        self.script = script
        self.connections = 0
        self.open = 0
        self.open_max = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.port = 0
        self.scheme = "http"
        self.visits: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    async def visit(self, reader, writer) -> None:
        """Run the script for one connection, and end the connection with it."""
        self.connections += 1
        self.open += 1
        self.open_max = max(self.open_max, self.open)
        current = asyncio.current_task()
        self.visits.add(current)
        try:
            await self.script(Visit(self, reader, writer))
        except (OSError, RuntimeError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the sender hung up, or the test is over
        finally:
            self.open -= 1
            self.visits.discard(current)
            writer.transport.abort() if self.scheme == "https" else writer.close()


@contextlib.asynccontextmanager
async def receiving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver for the length of a block."""
    receiver = Receiver(script)
    server = await asyncio.start_server(receiver.visit, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.scheme = "https" if tls else "http"
    try:
        yield receiver
    finally:
        server.close()
        for visit in tuple(receiver.visits):
            visit.cancel()
        await asyncio.gather(*receiver.visits, return_exceptions=True)
        await server.wait_closed()


def answering(*answers: bytes) -> Script:
    """Answer each request of a connection with the next of the answers, the last one for ever."""

    async def script(visit: Visit) -> None:
        turn = 0
        while True:
            await visit.request()
            await visit.say(answers[min(turn, len(answers) - 1)])
            turn += 1

    return script


def closing(*parts: bytes) -> Script:
    """Read a request, say something, close."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(*parts)

    return script


def holding(*parts: bytes) -> Script:
    """Read a request, say something, then nothing until the sender hangs up."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(*parts)
        await visit.until_hung_up()

    return script


def endless(start: bytes, more: bytes) -> Script:
    """Read a request, then say the same for as long as the sender takes it."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(start)
        while True:
            await visit.say(more)

    return script


def trickling(start: bytes, more: bytes) -> Script:
    """Read a request, then say a little every 20 ms until the sender hangs up."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.say(start)
        while not await visit.until_hung_up(0.02):
            await visit.say(more)

    return script
