"""How lines are passed on and ends are put in words."""

import asyncio

import pytest

from hooklane.embedded.supervisor import LINE_BYTES_MAX, ended, pass_on


def lines_of(content: bytes) -> list[str]:
    async def read() -> list[str]:
        stream = asyncio.StreamReader()
        stream.feed_data(content)
        stream.feed_eof()
        said: list[str] = []
        await pass_on(stream, said.append)
        return said

    return asyncio.run(read())


def test_each_line_is_passed_on_without_its_end():
    """Line feeds and carriage returns are not part of a line."""
    assert lines_of(b"one\r\n\ntwo\n") == ["one", "", "two"]


def test_a_last_line_without_an_end_is_passed_on():
    """A crash's last words are often those."""
    assert lines_of(b"last words") == ["last words"]


def test_bytes_that_are_no_text_are_passed_on_marked():
    """Garbage does not stop the reader."""
    assert lines_of(b"\xffok\n") == ["\ufffdok"]


def test_an_endless_line_is_passed_on_in_parts():
    """Memory is bounded whatever a program prints."""
    said = lines_of(b"x" * (LINE_BYTES_MAX * 5))
    assert sum(len(part) for part in said) == LINE_BYTES_MAX * 5
    assert max(len(part) for part in said) <= LINE_BYTES_MAX * 2


@pytest.mark.parametrize(
    ("code", "expected"),
    [(0, "exit code 0"), (1, "exit code 1"), (-9, "SIGKILL"), (-200, "signal 200")],
)
def test_an_end_is_put_in_words(code, expected):
    """A signal has its name."""
    assert expected == ended(code)
