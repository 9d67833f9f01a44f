"""The demo shows what was, and sees when the stack does not start."""

import subprocess
import sys

import click
import pytest

from hooklane.cli.demo import Tail, is_up, show_attempts


class Attempts:
    """A stage with one delivery."""

    def attempts_of_first(self, _name):
        names = ("started_at", "number", "status", "outcome", "verdict", "due_at", "reason")
        day = "2026-01-01T"
        rows = [
            (f"{day}10:00:00.000Z", 1, 500, "rejected", "retry", f"{day}10:00:01.200Z", ""),
            (f"{day}10:00:01.250Z", 2, 500, "rejected", "dead", None, "exhausted"),
        ]
        return [{"trigger": "event", **dict(zip(names, row, strict=True))} for row in rows]


def test_each_attempt_is_one_line_with_what_followed(capsys):
    """A retry shows when it is due, a death its reason."""
    show_attempts(Attempts(), "broken")
    first, second = (" ".join(line.split()) for line in capsys.readouterr().out.splitlines())
    assert first == "10:00:00.000 attempt 1 500 rejected → retry, due 10:00:01.200"
    assert second == "10:00:01.250 attempt 2 500 rejected → dead (exhausted)"


def test_a_stack_that_ended_is_not_waited_for(tmp_path):
    """The demo fails at once when `hooklane up` does."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(click.ClickException, match="did not start"):
        is_up(ended, tmp_path / "ready.json")


def test_the_tail_beside_it_is_on_once_it_says_so(tmp_path):
    """What happened before its first line would be missing."""
    log = tmp_path / "tail.log"
    log.write_text("", encoding="utf-8")
    tail = Tail(log)
    assert (tail.is_on(), tail.lines()) == (False, [])
    log.write_text("attempts from 10:00:00 UTC on, until Ctrl-C\none\ntwo\n", encoding="utf-8")
    assert (tail.is_on(), tail.lines()) == (True, ["one", "two"])
