"""The sandbox over real loopback sockets: what each way to fail looks like to a sender."""

import asyncio
import contextlib
import json
import random

import pytest

from hooklane.adapters.clock import SystemClock
from hooklane.receiver.connection import BODY_BYTES_MAX, HEAD_BYTES_MAX
from hooklane.receiver.sandbox import HOST, Sandbox, Server

PATIENCE_S = 10


def post(target, body=b"{}", headers=""):
    head = f"POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@contextlib.asynccontextmanager
async def connected():
    server = Server(Sandbox(clock=SystemClock(), chance=random.Random(1)))
    port = await server.start()
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        await server.stop()


async def response(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split(" ")[1]), headers, body


async def exchange(*requests):
    async with connected() as (reader, writer):
        got = []
        for request in requests:
            writer.write(request)
            got.append(await response(reader))
        return got


@pytest.mark.parametrize(
    ("target", "status"), [("/ok", 200), ("/status/599", 599), ("/gone", 410), ("/fail/1", 500)]
)
def test_a_path_is_answered_with_its_status(target, status):
    """What the words say is what goes over the wire."""
    ((got, headers, _),) = asyncio.run(exchange(post(target)))
    assert (status, "application/json") == (got, headers["content-type"])


def test_a_connection_is_kept_and_answers_in_order():
    """Keep-alive: a later request on the same connection has its own answer."""
    got = asyncio.run(exchange(post("/status/500"), post("/ok"), b"GET /stats HTTP/1.1\r\n\r\n"))
    assert [status for status, _, _ in got] == [500, 200, 200]
    assert json.loads(got[2][2])["answers"] == {"500": 1, "200": 1}


def test_requests_sent_at_once_are_answered_in_order():
    """Pipelined requests wait for the one before, which may be late."""

    async def run():
        async with connected() as (reader, writer):
            writer.write(post("/delay/20ms/status/500") + post("/gone") + post("/ok"))
            return [(await response(reader))[0] for _ in range(3)]

    assert asyncio.run(run()) == [500, 410, 200]


def test_a_chunked_body_is_read_whole():
    """Senders need not know the length."""
    head = b"POST /ok HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    chunked = head + b'6\r\n{"a":1\r\n1\r\n}\r\n0\r\n\r\n'
    got = asyncio.run(exchange(chunked, b"GET /received HTTP/1.1\r\n\r\n"))
    assert json.loads(got[1][2])["received"][0]["body"] == '{"a":1}'


def test_retry_after_is_a_header():
    """429 and when to come back."""
    ((status, headers, _),) = asyncio.run(exchange(post("/retry-after/30")))
    assert (status, headers["retry-after"]) == (429, "30")


def test_an_answer_without_body_has_none():
    """204 has no content-length."""
    got = asyncio.run(exchange(post("/status/204"), post("/ok")))
    assert [status for status, _, _ in got] == [204, 200]
    assert "content-length" not in got[0][1]


def test_reset_breaks_the_connection():
    """The sender sees a reset, not an orderly end."""

    async def run():
        async with connected() as (reader, writer):
            writer.write(post("/reset"))
            await reader.read()

    with pytest.raises(ConnectionResetError):
        asyncio.run(run())


def test_hang_never_answers():
    """Nothing comes; a request behind it waits too, while other connections are served."""

    async def run():
        async with connected() as (reader, writer):
            writer.write(post("/hang") + post("/ok"))
            other, wire = await asyncio.open_connection(*writer.get_extra_info("peername"))
            wire.write(post("/ok"))
            status, _, _ = await response(other)
            wire.close()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
            return status

    assert asyncio.run(run()) == 200


def test_trickle_sends_a_head_then_a_byte_at_a_time():
    """The status is there at once; the body would take ten minutes."""

    async def run():
        async with connected() as (reader, writer):
            writer.write(post("/trickle"))
            head = await reader.readuntil(b"\r\n\r\n")
            return head, [await reader.read(100) for _ in range(2)]

    head, got = asyncio.run(run())
    assert head.startswith(b"HTTP/1.1 200 ")
    assert got == [b" ", b" "]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 no http\r\n\r\n", 400),
        (b"POST /ok HTTP/1.1\r\nx: " + b"a" * (HEAD_BYTES_MAX + 1), 431),
        (post("/ok", b"a" * (BODY_BYTES_MAX + 1)), 413),
        (b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", 501),
        (post("/hang") + post("/ok") * 100, 429),
    ],
)
def test_what_is_too_much_or_no_http_is_refused_and_cut(sent, status):
    """Memory is bounded whatever a peer sends."""

    async def run():
        async with connected() as (reader, writer):
            writer.write(sent)
            line = await reader.readline()
            with contextlib.suppress(ConnectionError):
                await reader.read()
            return int(line.split(b" ")[1])

    assert status == asyncio.run(run())
