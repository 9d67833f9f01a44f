"""Every sender's word on whether it read all of an answer."""

from __future__ import annotations

import pytest

from contract.http.receivers import (
    EMPTY,
    OK,
    SHORT_MS,
    answering,
    closing,
    endless,
    receiving,
    trickling,
)
from hooklane.adapters.http.port import Outcome

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (closing(OK), True),
        (closing(EMPTY), True),
        (closing(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"), True),
        (closing(b"HTTP/1.0 200 OK\r\n\r\n"), True),
        (closing(LONG % 16_384 + b"z" * 16_384), True),
        (closing(LONG % 16_385 + b"z" * 16_385), False),
        (closing(b"HTTP/1.0 200 OK\r\n\r\nof unknown length"), False),
        (closing(LONG % 100 + b"abc"), False),
        (closing(LONG % 100), False),
        (closing(CHUNKED + b"3\r\nabc\r\n"), False),
        (closing(CHUNKED + b"3\r\nabc\r\nzz\r\n"), False),
        (closing(b"HTTP/1.1 200 OK\r\n"), False),
        (trickling(LONG % 9_999, b"t"), False),
        (endless(LONG % 9_999_999, b"z" * 8_192), False),
    ],
    ids=[
        "announced", "204", "chunked", "no-body", "all-kept", "one-byte-more", "close-delimited",
        "short-body", "no-body-came", "short-chunks", "bad-chunk", "head", "late", "endless",
    ],
)  # fmt: skip
def test_an_answer_is_whole_where_all_of_it_is_kept(bench, script, expected):
    """Only then does what it does not say mean anything; its outcome is by its status anyway."""

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            answer = await sender.post(receiver.url, timeout_ms=SHORT_MS)
            assert (Outcome.SUCCEEDED, expected) == (answer.outcome, answer.is_whole)

    bench.run(scenario)


def test_an_answer_known_by_its_bytes_is_as_whole_as_it_was(bench):
    """For each request by what it wants kept."""
    answer_bytes = LONG % 300 + b"k" * 300

    async def scenario():
        script = answering(answer_bytes, answer_bytes, answer_bytes)
        async with receiving(script) as receiver, bench.sender() as sender:
            wanted = [400, 200, 300]
            found = [await sender.post(receiver.url, body_kept_bytes=size) for size in wanted]
            assert [answer.is_whole for answer in found] == [True, False, True]

    bench.run(scenario)
