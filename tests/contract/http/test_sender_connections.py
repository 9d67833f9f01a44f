"""How every sender uses a connection again, and how it makes one."""

from __future__ import annotations

import asyncio
import socket

import pytest

from contract.http.receivers import (
    EMPTY,
    OK,
    SHORT_MS,
    SLACK_MS,
    answering,
    outcome_and_status,
    receiving,
)
from hooklane.adapters.http.port import Outcome


def test_a_kept_alive_connection_is_used_again(bench):
    """Requests one after another share a connection, whatever their status."""

    async def scenario():
        script = answering(OK, EMPTY, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", OK)
        async with receiving(script) as receiver, bench.sender() as sender:
            statuses = [(await sender.post(receiver.url)).status for _ in range(4)]
            assert statuses == [200, 204, 500, 200]
            assert receiver.connections == 1

    bench.run(scenario)


@pytest.mark.parametrize(
    "answer_bytes",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK + b"HTTP/1.1 500 Forged\r\nContent-Length: 0\r\n\r\n",
        OK + b"surplus",
    ],
    ids=["connection-close", "http-1.0", "second-answer", "surplus"],
)
def test_a_connection_that_must_not_be_used_again_is_not(bench, answer_bytes):
    """Bytes behind an answer never become the next request's answer."""

    async def scenario():
        async with receiving(answering(answer_bytes)) as receiver, bench.sender() as sender:
            for _ in range(3):
                answer = await sender.post(receiver.url)
                assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert receiver.connections == 3

    bench.run(scenario)


def test_what_an_idle_connection_says_unasked_is_no_answer(bench):
    """A connection on which bytes arrive while nothing was asked is dropped."""

    async def script(visit):
        await visit.request()
        await visit.say(OK)
        if visit.number == 1:
            await first_answered.wait()
            await visit.say(b"HTTP/1.1 500 Forged\r\nContent-Length: 0\r\n\r\n")
        await visit.until_hung_up()

    async def scenario():
        nonlocal first_answered
        first_answered = asyncio.Event()
        async with receiving(script) as receiver, bench.sender() as sender:
            await sender.post(receiver.url)
            first = next(iter(receiver.visits))
            first_answered.set()
            # Either the sender hangs up by itself, or it does so when it is next used.
            await asyncio.wait([first], timeout=0.1)
            answer = await sender.post(receiver.url)
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert receiver.connections == 2

    first_answered = None
    bench.run(scenario)


@pytest.mark.parametrize("way", ["close", "reset"])
def test_a_stale_connection_costs_no_attempt(bench, way):
    """A kept-alive connection that ends before an answer's first byte is tried once more, fresh."""

    async def script(visit):
        await visit.request()
        if visit.number == 1:
            await visit.say(OK)
            await visit.request()
            if way == "reset":
                visit.reset()
            return
        await visit.say(OK)
        await visit.until_hung_up()

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            for body in (b"first", b"second"):
                answer = await sender.post(receiver.url, body=body)
                assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert receiver.bodies == [b"first", b"second", b"second"]
            assert receiver.connections == 2

    bench.run(scenario)


def test_only_one_further_try_is_made_and_only_before_the_first_byte(bench):
    """A fresh connection that ends too is unreachable; so is a used one after a byte of answer."""

    async def script(visit):
        await visit.request()
        if visit.number in {1, 3}:
            await visit.say(OK)
            await visit.request()
            await visit.say(b"" if visit.number == 1 else b"H")

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            outcomes = [(await sender.post(receiver.url)).outcome for _ in range(4)]
            assert outcomes == [
                Outcome.SUCCEEDED,
                Outcome.UNREACHABLE,
                Outcome.SUCCEEDED,
                Outcome.UNREACHABLE,
            ]
            assert receiver.connections == 3

    bench.run(scenario)


def test_an_early_answer_is_taken_and_its_connection_left(bench):
    """An answer before the body was read counts; the rest of the body never leads a request."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"

    async def script(visit):
        await visit.head()
        await visit.say(refusal)
        visit.receiver.early.set()
        await visit.receiver.leave.wait()

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            receiver.early, receiver.leave = asyncio.Event(), asyncio.Event()
            for _ in range(2):
                answer = await sender.post(receiver.url, body=b"b" * 8_000_000)
                assert outcome_and_status(answer) == (Outcome.REJECTED, 413)
            assert receiver.connections == 2
            receiver.leave.set()

    bench.run(scenario)


def test_a_large_body_arrives_whole(bench):
    """Backpressure changes nothing in what arrives."""
    body = bytes(range(256)) * 4_096

    async def scenario():
        async with receiving(answering(OK)) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url, body=body)
            assert answer.outcome == Outcome.SUCCEEDED
            assert [body] == receiver.bodies

    bench.run(scenario)


def test_a_receiver_that_does_not_read_is_timed_out(bench):
    """A large body to a peer that reads nothing ends at the deadline."""

    async def script(visit):
        visit.writer.transport.pause_reading()
        await visit.receiver.leave.wait()

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            receiver.leave = asyncio.Event()
            answer = await sender.post(receiver.url, body=b"b" * 8_000_000, timeout_ms=SHORT_MS)
            assert outcome_and_status(answer) == (Outcome.TIMED_OUT, None)
            receiver.leave.set()

    bench.run(scenario)


def test_a_refused_connect_is_unreachable(bench):
    """Nobody listening is unreachable, with a reason that names the connect."""

    async def scenario():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with bench.sender() as sender:
                answer = await sender.post(f"http://127.0.0.1:{taken.getsockname()[1]}/")
                assert outcome_and_status(answer) == (Outcome.UNREACHABLE, None)
                assert answer.error == "connect: Connection refused"

    bench.run(scenario)


def test_a_connect_that_does_not_end_is_timed_out_by_its_own_limit(bench):
    """The connect may take connect_timeout_ms of the time, no more."""

    async def scenario():
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            with filled(full.getsockname()):
                async with bench.sender() as sender:
                    url = f"http://127.0.0.1:{full.getsockname()[1]}/"
                    answer = await sender.post(url, connect_timeout_ms=SHORT_MS)
                    assert outcome_and_status(answer) == (Outcome.TIMED_OUT, None)
                    assert answer.error == "connect timed out"
                    assert answer.timings_ms.total < SHORT_MS + SLACK_MS

    bench.run(scenario)


class filled:  # noqa: N801  used as a function
    """Fills a listener's backlog, so that a further connect gets no answer."""

    def __init__(self, address):
        self.sockets = [socket.socket() for _ in range(4)]
        for sock in self.sockets:
            sock.setblocking(False)
            sock.connect_ex(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self.sockets:
            sock.close()
