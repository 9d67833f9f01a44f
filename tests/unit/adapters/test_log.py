"""A log line is one JSON object, whatever its fields are."""

import io
import json
from datetime import UTC, datetime, timedelta

from hooklane.adapters.log import json_log, no_log

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Noon:
    """A clock that stands still."""

    def now(self):
        return NOON


def lines_of(*calls):
    out = io.StringIO()
    log = json_log("matcher", clock=Noon(), out=out)
    for what, fields in calls:
        log(what, **fields)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_says_when_who_and_what():
    """Time, level, service and what happened come first in every line."""
    (line,) = lines_of(("table.read", {"endpoints": 3}))
    assert list(line.items()) == [
        ("at", "2026-01-01T12:00:00Z"),
        ("level", "info"),
        ("service", "matcher"),
        ("what", "table.read"),
        ("endpoints", 3),
    ]


def test_spans_are_seconds_and_what_is_unknown_is_text():
    """No value makes the log itself fail."""
    (line,) = lines_of(("x.done", {"wait": timedelta(seconds=1.5), "error": ValueError("no")}))
    assert (line["wait"], line["error"]) == (1.5, "no")


def test_each_call_is_one_line():
    """A newline in a field does not break the line."""
    assert len(lines_of(("a.done", {"text": "1\n2"}), ("b.done", {"level": "error"}))) == 2


def test_the_silent_log_takes_what_the_other_takes():
    """It stands wherever a log does."""
    no_log("a.done", level="warning", tenant="acme")
