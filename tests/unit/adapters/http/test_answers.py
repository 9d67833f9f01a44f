"""What is made of what was read."""

from __future__ import annotations

import pytest

from hooklane.adapters.http import answers
from hooklane.adapters.http.port import Outcome


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, "succeeded"),
        (299, "succeeded"),
        (300, "rejected"),
        (101, "rejected"),
        (999, "rejected"),
    ],
)
def test_2xx_and_nothing_else_succeeds(status, expected):
    """The status decides."""
    assert answers.outcome_of(status) is Outcome(expected)


def test_interim_statuses_end_nothing():
    """All of 1xx but 101 are followed by an answer."""
    assert [answers.is_final(s) for s in (100, 101, 103, 199, 200, 599)] == [
        False,
        True,
        False,
        False,
        True,
        True,
    ]


def test_headers_are_kept_up_to_their_bound():
    """The first 8 KiB are kept, whole headers only; any byte decodes."""
    many = [(b"name-%d" % n, b"\xff" * 100) for n in range(200)]
    kept = answers.kept_fields(many)
    assert kept == tuple((n.decode(), v.decode("latin-1")) for n, v in many[: len(kept)])
    assert 8_000 < sum(len(n) + len(v) + 4 for n, v in kept) <= answers.HEADERS_KEPT_BYTES


def test_retry_after_is_found_also_behind_what_is_kept():
    """Its name has no case, its value is raw and bounded."""
    many = [(b"x", b"y" * 9_000), (b"RETRY-After", b" 120 "), (b"retry-after", b"7")]
    assert answers.retry_after(many) == "120"
    assert answers.retry_after([(b"retry-after", b"9" * 1_000)]) == "9" * 100
    assert answers.retry_after([]) is None


def test_a_reason_is_one_short_line():
    """Line breaks and length never reach a log line."""
    assert answers.short("a\nb\t c") == "a b c"
    assert len(answers.short("x" * 1_000)) == answers.ERROR_CHARACTERS_MAX


def test_spans_are_rounded_to_milliseconds():
    """Numbers carry their unit."""
    assert [answers.elapsed_ms(1.0, until) for until in (1.0, 1.0004, 1.0006, 2.5)] == [
        0,
        0,
        1,
        1500,
    ]
