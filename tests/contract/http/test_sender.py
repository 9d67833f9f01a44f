"""The contract of every sender, against receivers that keep HTTP and receivers that do not."""

from __future__ import annotations

import asyncio

import pytest

from contract.http.receivers import (
    EMPTY,
    OK,
    SHORT_MS,
    SLACK_MS,
    answering,
    closing,
    endless,
    holding,
    no_connection_left,
    outcome_and_status,
    receiving,
    trickling,
)
from hooklane.adapters.http.port import Outcome

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_2xx_succeeds_and_what_was_sent_is_what_was_asked(bench):
    """Request line, fixed headers, attempt headers, length and body arrive as prepared."""

    async def scenario():
        async with receiving(answering(OK)) as receiver, bench.sender() as sender:
            answer = await sender.post(
                receiver.url + "/a?b=c%20d",
                body=b"payload",
                headers=b"webhook-id: evt_7\r\nwebhook-timestamp: 5\r\n",
                custom={"content-type": "application/json", "X-Own": "mine"},
            )
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert (answer.body, answer.error) == (b"ok", "")
            assert ("Content-Length", "2") in answer.headers
            assert answer.timings_ms.total is not None
            assert answer.timings_ms.connect is not None
            lines = receiver.heads[0].split(b"\r\n")
            assert lines[0] == b"POST /hook/a?b=c%20d HTTP/1.1"
            named = sorted(line.lower() for line in lines[1:-2])
            assert named == sorted(
                [
                    b"host: 127.0.0.1:%d" % receiver.port,
                    b"user-agent: hooklane/1",
                    b"content-type: application/json",
                    b"x-own: mine",
                    b"webhook-id: evt_7",
                    b"webhook-timestamp: 5",
                    b"content-length: 7",
                ]
            )
            assert receiver.bodies == [b"payload"]

    bench.run(scenario)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"HTTP/1.1 201 Created", Outcome.SUCCEEDED),
        (b"HTTP/1.1 299 ", Outcome.SUCCEEDED),
        (b"HTTP/1.1 304 Not Modified", Outcome.REJECTED),
        (b"HTTP/1.1 400 Bad Request", Outcome.REJECTED),
        (b"HTTP/1.1 410 Gone", Outcome.REJECTED),
        (b"HTTP/1.1 500 Oops", Outcome.REJECTED),
        (b"HTTP/1.0 503 Busy", Outcome.REJECTED),
    ],
)
def test_the_status_decides(bench, line, expected):
    """2xx is succeeded, any other status rejected."""

    async def scenario():
        answers = closing(line + b"\r\nConnection: close\r\nRetry-After: 7\r\n\r\n")
        async with receiving(answers) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url)
            assert (expected, int(line.split()[1])) == outcome_and_status(answer)
            wanted = "7" if expected is Outcome.REJECTED else None
            assert wanted == answer.retry_after

    bench.run(scenario)


def test_a_redirect_is_never_followed(bench):
    """3xx is rejected with its status, and its location is not asked."""

    async def scenario():
        async with receiving(answering(OK)) as elsewhere:
            moved = b"HTTP/1.1 307 Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"
            script = answering(moved % elsewhere.url.encode())
            async with receiving(script) as receiver, bench.sender() as sender:
                answer = await sender.post(receiver.url)
                assert outcome_and_status(answer) == (Outcome.REJECTED, 307)
            assert elsewhere.connections == 0

    bench.run(scenario)


@pytest.mark.parametrize(
    ("answer_bytes", "body"),
    [
        (
            CHUNKED + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (EMPTY, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, b"ok"),
    ],
    ids=["chunked", "close-delimited", "http-1.0", "204", "interim"],
)
def test_every_framing_of_an_answer_is_understood(bench, answer_bytes, body):
    """Chunked, close-delimited, empty and interim answers give their body."""

    async def scenario():
        async with receiving(closing(answer_bytes)) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url)
            assert answer.outcome == Outcome.SUCCEEDED
            assert body == answer.body
            assert "Link" not in dict(answer.headers)

    bench.run(scenario)


@pytest.mark.parametrize(
    "answer_bytes",
    [
        CHUNKED + b"3\r\nabc\r\nzz\r\n",
        CHUNKED + b"FFFFFFFFFFFFFFFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc and more than was announced",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\nthis is no header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    ],
    ids=[
        "bad-chunk",
        "huge-chunk",
        "short-body",
        "long-body",
        "early-close-in-head",
        "bad-header",
        "100000-headers",
        "endless-header",
    ],
)
def test_once_the_status_line_was_read_nothing_behind_it_changes_the_outcome(bench, answer_bytes):
    """Broken, short, long and oversized answers are judged by their status, within bounds."""

    async def scenario():
        async with receiving(closing(answer_bytes)) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url)
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert sum(len(n) + len(v) for n, v in answer.headers) <= 8_192
            await asyncio.wait_for(no_connection_left(receiver), 10)

    bench.run(scenario)


@pytest.mark.parametrize(
    "answer_bytes",
    [
        b"",
        b"HTTP/1.",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        bytes(range(256)) * 8,
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"x" * 1_000_000,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    ],
    ids=[
        "early-close",
        "half-a-status-line",
        "ssh",
        "binary",
        "four-digits",
        "status-099",
        "letters",
        "endless-line",
        "only-interim",
        "interim-flood",
    ],
)
def test_no_status_line_is_unreachable(bench, answer_bytes):
    """Garbage, silence and a flood of interim answers before any status line are unreachable."""

    async def scenario():
        async with receiving(closing(answer_bytes)) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url)
            assert outcome_and_status(answer) == (Outcome.UNREACHABLE, None)
            assert answer.error != ""
            assert receiver.connections == 1

    bench.run(scenario)


def test_a_reset_is_unreachable(bench):
    """A connection reset in place of an answer is unreachable."""

    async def script(visit):
        await visit.request()
        visit.reset()

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url)
            assert outcome_and_status(answer) == (Outcome.UNREACHABLE, None)

    bench.run(scenario)


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"],
    ids=["close-delimited", "announced"],
)
def test_of_an_endless_body_16_kib_are_kept(bench, start):
    """An endless body is read for 64 KiB and then closed; the status decides."""

    async def scenario():
        script = endless(start, b"z" * 8_192)
        async with receiving(script) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url, timeout_ms=10_000)
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert answer.body == b"z" * 16_384
            await asyncio.wait_for(no_connection_left(receiver), 10)

    bench.run(scenario)


def test_of_a_body_as_much_is_kept_as_its_request_wants(bench):
    """A batch's answer speaks of each item; the next request on the connection has 16 KiB again."""
    answer_bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"z" * 60_000

    async def scenario():
        async with (
            receiving(answering(answer_bytes, answer_bytes)) as receiver,
            bench.sender() as sender,
        ):
            more = await sender.post(receiver.url, body_kept_bytes=65_536)
            usual = await sender.post(receiver.url)
            assert (len(more.body), len(usual.body)) == (60_000, 16_384)
            assert receiver.connections == 1

    bench.run(scenario)


@pytest.mark.parametrize(
    ("start", "more", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"t", (Outcome.SUCCEEDED, 200)),
        (b"HTTP/1.1 500 No\r\n\r\n", b"t", (Outcome.REJECTED, 500)),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", (Outcome.SUCCEEDED, 200)),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y", (Outcome.SUCCEEDED, 200)),
        (b"HTTP/1.1 2", b"", (Outcome.TIMED_OUT, None)),
    ],
    ids=["body", "close-delimited", "headers", "header-value", "half-a-status"],
)
def test_a_trickle_is_cut_at_the_deadline_and_changes_nothing(bench, start, more, expected):
    """What drips is cut when the time is up; the status decides where there is one."""

    async def scenario():
        async with receiving(trickling(start, more)) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url, timeout_ms=SHORT_MS)
            assert expected == outcome_and_status(answer)
            assert answer.timings_ms.total + 1 >= SHORT_MS
            assert answer.timings_ms.total < SHORT_MS + SLACK_MS
            await asyncio.wait_for(no_connection_left(receiver), 10)

    bench.run(scenario)


def test_a_receiver_that_says_nothing_is_timed_out(bench):
    """A half-open connection is cut at the deadline, and its socket closed."""

    async def scenario():
        async with receiving(holding()) as receiver, bench.sender() as sender:
            sent = sender.submit(receiver.url, timeout_ms=SHORT_MS)
            assert sender.sender.open_count == 1
            answer = await sent
            assert outcome_and_status(answer) == (Outcome.TIMED_OUT, None)
            assert answer.error == "answer timed out"
            assert sender.sender.open_count == 0
            await asyncio.wait_for(no_connection_left(receiver), 10)

    bench.run(scenario)
