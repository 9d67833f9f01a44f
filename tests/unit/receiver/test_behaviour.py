from datetime import timedelta

import pytest

from hooklane.domain.errors import Invalid
from hooklane.receiver.behaviour import (
    Answer,
    Behaviour,
    Ending,
    Rule,
    behaviour_of,
    decide,
    parse,
    rule_of,
    span_of,
)


def answer(target, attempt=1, chance=0.5):
    return decide(parse(target), attempt=attempt, chance=chance)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", Answer(status=200)),
        ("/ok", Answer(status=200)),
        ("/hooks/acme", Answer(status=200)),
        ("/status/503", Answer(status=503)),
        ("/gone", Answer(status=410)),
        ("/retry-after/30", Answer(status=429, retry_after="30")),
        ("/retry-after/30?status=503", Answer(status=503, retry_after="30")),
        ("/delay/2s", Answer(status=200, delay=timedelta(seconds=2))),
        ("/reset", Answer(status=200, ending=Ending.RESET)),
        ("/hang", Answer(status=200, ending=Ending.HANG)),
        ("/trickle", Answer(status=200, ending=Ending.TRICKLE)),
        ("/acme/status/500/delay/1ms", Answer(status=500, delay=timedelta(milliseconds=1))),
        ("/x?delay=1s&status=500", Answer(status=500, delay=timedelta(seconds=1))),
        ("/status/500?status=502", Answer(status=502)),
        ("/x?gone", Answer(status=410)),
        ("/x?page=2", Answer(status=200)),
    ],
)
def test_a_target_says_how_it_is_answered(target, expected):
    """Each word of the grammar, in path and query, alone and together."""
    assert expected == answer(target)


@pytest.mark.parametrize(
    ("target", "attempt", "expected"),
    [
        ("/fail/2", 1, Answer(status=500)),
        ("/fail/2", 2, Answer(status=500)),
        ("/fail/2", 3, Answer(status=200)),
        ("/fail/0", 1, Answer(status=200)),
        ("/fail/1?status=503", 1, Answer(status=503)),
        ("/fail/1?status=503", 2, Answer(status=200)),
        ("/fail/1/retry-after/1", 1, Answer(status=429, retry_after="1")),
        ("/fail/1/reset", 2, Answer(status=200)),
    ],
)
def test_the_first_attempts_fail_and_later_ones_do_not(target, attempt, expected):
    """`fail` counts attempts, and fails as the other words say."""
    assert expected == answer(target, attempt=attempt)


@pytest.mark.parametrize(
    ("share", "chance", "status"),
    [("0.3", 0.29, 500), ("0.3", 0.3, 200), ("0", 0.0, 200), ("1", 0.99, 500)],
)
def test_a_share_of_attempts_fails(share, chance, status):
    """`flaky` p fails when the draw is below p."""
    assert status == answer(f"/flaky/{share}", chance=chance).status


def test_a_fail_and_flaky_path_fails_by_either():
    """After its first attempts a path may go on to be flaky."""
    assert [
        answer("/fail/1/flaky/0.5", attempt=1, chance=0.9).status,
        answer("/fail/1/flaky/0.5", attempt=2, chance=0.9).status,
        answer("/fail/1/flaky/0.5", attempt=2, chance=0.1).status,
    ] == [500, 200, 500]


@pytest.mark.parametrize(
    "target",
    [
        "/status",
        "/status/abc",
        "/status/100",
        "/status/600",
        "/status/0200",
        "/status/\u0665\u0660\u0660",
        "/delay/soon",
        "/delay/11m",
        "/delay/-1s",
        "/retry-after/",
        "/retry-after/a%0d%0ab",
        "/fail/x",
        "/fail/1000001",
        "/flaky/1.1",
        "/flaky/nan",
        "/x?status=",
    ],
)
def test_a_word_with_an_argument_it_cannot_have_is_invalid(target):
    """A typing error is told, not taken for 200."""
    with pytest.raises(Invalid):
        parse(target)


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("250ms", 250), ("2s", 2000), ("1.5", 1500), ("1m", 60_000)]
)
def test_a_span_has_a_unit_or_is_seconds(text, milliseconds):
    """What people write for a delay."""
    assert timedelta(milliseconds=milliseconds) == span_of(text)


def test_a_rule_is_a_path_and_a_behaviour():
    """The right side is the grammar of targets."""
    expected = Rule(path="/hooks", behaviour=Behaviour(failures=2, delay=timedelta(seconds=1)))
    assert expected == rule_of("/hooks=fail/2?delay=1s")


@pytest.mark.parametrize("text", ["", "/hooks", "hooks=ok", "/hooks=", "/hooks=nonsense"])
def test_a_rule_that_says_nothing_is_invalid(text):
    """A rule without effect is a typing error."""
    with pytest.raises(Invalid):
        rule_of(text)


@pytest.mark.parametrize(
    ("target", "status"),
    [("/a", 503), ("/a?x=1", 503), ("/b/c", 410), ("/b", None), ("/status/500", 500)],
)
def test_the_first_rule_that_fits_wins_over_the_path(target, status):
    """Exact paths, prefixes by star, else what the target says itself."""
    rules = [rule_of("/a=status/503"), rule_of("/b/*=gone"), rule_of("/a=ok")]
    assert status == behaviour_of(target, rules).status
