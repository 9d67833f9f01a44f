"""Answers known by their bytes are what parsing them would give."""

import pytest

from hooklane.adapters.http import answer_parser
from hooklane.adapters.http.answer_parser import AnswerParser

OK = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\nok"
LOST = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(answer_parser, "_known", {})


def read(parser, *pieces):
    parser.clear()
    faults = [parser.feed(piece) for piece in pieces]
    return (
        parser.status, list(parser.fields), parser.kept_body, parser.complete, parser.keep_alive,
        parser.surplus, parser.received, faults[-1],
    )  # fmt: skip


def test_an_answer_known_by_its_bytes_reads_as_before():
    """On the same connection and on another one; what follows it is read as ever."""
    parser, other = AnswerParser(), AnswerParser()
    first = read(parser, OK)
    assert first[:4] == (200, [(b"Server", b"x"), (b"Content-Length", b"2")], b"ok", True)
    assert OK in answer_parser._known
    assert [first] * 3 == [read(parser, OK), read(other, OK), read(parser, OK)]
    assert read(parser, LOST)[0] == 500
    assert read(parser, OK[:20], OK[20:]) == first


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\n\r\n",
        OK.replace(b"Server: x", b"Connection: close"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"garbage",
        OK.replace(b"2\r\n\r\nok", b"2000\r\n\r\n" + b"k" * 2_000),
    ],
)
def test_only_a_whole_reusable_small_answer_is_known(answer):
    """Whatever else came may mean something else the next time."""
    read(AnswerParser(), answer)
    assert answer_parser._known == {}


def test_few_answers_are_known():
    """A receiver that never answers alike fills no memory."""
    parser = AnswerParser()
    for number in range(answer_parser._KNOWN_MAX + 5):
        read(parser, OK.replace(b"x", b"%d" % number))
    assert len(answer_parser._known) <= answer_parser._KNOWN_MAX
