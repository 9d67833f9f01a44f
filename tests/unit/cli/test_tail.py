"""Attempts live: each once, whatever the order they are recorded in."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.adapters.memory import ManualClock
from hooklane.cli.tail import DEEP_EVERY, KNOWN_IN_A_ROW, Window, follow
from hooklane.domain.errors import Unavailable

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def attempt(name, second):
    at = AT + timedelta(seconds=second)
    return {"attempt_id": name, "started_at": at.isoformat()}


def names(attempts):
    return [one["attempt_id"] for one in attempts]


class Log:
    """The API's list: newest first, filtered by time."""

    def __init__(self):
        self.rows, self.asked = [], []

    def read(self, since):
        self.asked.append(since)
        rows = sorted(self.rows, key=lambda row: row["started_at"], reverse=True)
        return [row for row in rows if row["started_at"] >= since]


def test_each_attempt_is_shown_once_and_oldest_first():
    """Looks overlap; what was shown is not shown again."""
    log, window = Log(), Window(AT)
    log.rows = [attempt("a", 1), attempt("b", 2)]
    assert names(window.fresh(log.read(window.since(deep=False)), deep=False)) == ["a", "b"]
    log.rows.append(attempt("c", 3))
    assert names(window.fresh(log.read(window.since(deep=False)), deep=False)) == ["c"]
    assert window.fresh(log.read(window.since(deep=True)), deep=True) == []


def test_one_recorded_late_is_still_shown():
    """A slow attempt ends, and is recorded, long after quicker ones that began later."""
    log, window = Log(), Window(AT)
    log.rows = [attempt("quick", 40)]
    window.fresh(log.read(window.since(deep=False)), deep=False)
    log.rows.append(attempt("slow", 10))
    assert window.fresh(log.read(window.since(deep=False)), deep=False) == []
    assert names(window.fresh(log.read(window.since(deep=True)), deep=True)) == ["slow"]


def test_nothing_of_before_is_shown():
    """From now on, however far back a look goes."""
    assert Window(AT).since(deep=True) == AT.isoformat()


def test_a_shallow_look_ends_where_everything_is_known():
    """A busy log is not read through twice a second."""
    window = Window(AT)
    known = [attempt(f"a{n}", 9) for n in range(2 * KNOWN_IN_A_ROW)]
    window.fresh(known, deep=False)
    rest = iter(known)
    assert window.fresh(rest, deep=False) == []
    assert len(list(rest)) == KNOWN_IN_A_ROW


def test_what_is_too_old_to_come_again_is_forgotten():
    """Memory is bounded by the window."""
    window = Window(AT)
    window.fresh([attempt("old", 1)], deep=False)
    window.fresh([attempt("new", 1_000)], deep=False)
    assert list(window._shown) == ["new"]


def test_every_so_often_it_looks_further_back():
    """Shallow looks are cheap, deep ones complete."""
    log, clock = Log(), ManualClock()
    begin = clock.now()
    log.rows = [{"attempt_id": "x", "started_at": (begin + timedelta(minutes=5)).isoformat()}]
    read = itertools.islice(follow(log.read, clock=clock), 1)
    assert names(read) == ["x"]
    later = follow(log.read, clock=clock)
    next(later)
    log.rows.append({"attempt_id": "y", "started_at": (begin + timedelta(minutes=4)).isoformat()})
    assert next(later)["attempt_id"] == "y"
    assert len(log.asked) == 1 + DEEP_EVERY


def test_an_api_that_is_away_is_told_and_asked_again(capsys):
    """Except at the start: then the command ends."""
    clock = ManualClock()
    answers = iter([[], Unavailable("gone"), [attempt("a", 10_000_000)]])

    def read(_since):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert next(follow(read, clock=clock))["attempt_id"] == "a"
    assert capsys.readouterr().err.endswith("gone; asking again\n")

    def away(_since):
        raise Unavailable("gone")

    with pytest.raises(Unavailable):
        next(follow(away, clock=clock))
