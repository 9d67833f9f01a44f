"""How the sandbox answers: written in a URL or a rule, read into a value, decided purely.

The grammar is one for paths, queries and rules. Words follow one another, names that are no word
are passed over, so that any path of a real receiver is a good path too:

    /ok                     200                      /status/503          that status
    /gone                   410, end this endpoint   /retry-after/30      429 and that header
    /delay/2s               answer late (ms, s, m)   /trickle             a body byte by byte
    /reset                  break the connection     /hang                never answer
    /fail/2                 the first 2 attempts of each webhook-id fail, later ones do not
    /flaky/0.3              that share of attempts fails

`/fail` and `/flaky` fail with 500, or as the other words say: `/fail/2/reset`, or
`/hooks?fail=2&status=503&delay=1s`. What stands in the query comes after the path and wins.
"""

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, unquote

from hooklane.domain.errors import Invalid

DELAY_MAX: Final = timedelta(minutes=10)
FAILURES_MAX: Final = 1_000_000
UNITS: Final = {"ms": 1, "s": 1_000, "": 1_000, "m": 60_000}
SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|)", re.ASCII)
# a header value: seconds, or an HTTP date; what is neither is sent on purpose, but in one line
PRINTABLE: Final = re.compile(r"[ -~]{1,64}", re.ASCII)


class Ending(enum.Enum):
    """What becomes of the connection."""

    ANSWER = "answer"
    RESET = "reset"
    HANG = "hang"
    TRICKLE = "trickle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a path asks for; None is what was not said."""

    status: int | None = None
    retry_after: str | None = None
    ending: Ending = Ending.ANSWER
    delay: timedelta = timedelta()
    failures: int | None = None
    flaky: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request gets."""

    status: int
    retry_after: str | None = None
    ending: Ending = Ending.ANSWER
    delay: timedelta = timedelta()


def decide(behaviour: Behaviour, *, attempt: int, chance: float) -> Answer:
    """Decide how one attempt is answered.

    Args:
        behaviour: what its path or a rule asks for.
        attempt: how many times this webhook-id came to this path, this time included.
        chance: drawn evenly from [0, 1).
    """
    conditions = [
        attempt <= (behaviour.failures or 0),
        chance < (behaviour.flaky or 0.0),
    ]
    conditional = behaviour.failures is not None or behaviour.flaky is not None
    if conditional and not any(conditions):
        return Answer(status=200, delay=behaviour.delay)
    return Answer(
        status=behaviour.status or _status_unsaid(behaviour, conditional=conditional),
        retry_after=behaviour.retry_after,
        ending=behaviour.ending,
        delay=behaviour.delay,
    )


def _status_unsaid(behaviour: Behaviour, *, conditional: bool) -> int:
    if behaviour.retry_after is not None:
        return 429
    return 500 if conditional else 200


def parse(target: str) -> Behaviour:
    """Read a request target or the right side of a rule.

    Raises:
        Invalid: a known word has an argument that it can't have; names both.
    """
    path, _, query = target.partition("?")
    behaviour = Behaviour()
    for word, argument in (*_of_path(path), *parse_qsl(query, keep_blank_values=True)):
        if word in SIMPLE:
            behaviour = SIMPLE[word](behaviour)
        elif word in READERS:
            behaviour = _read(behaviour, word, argument)
    return behaviour


def _of_path(path: str) -> Iterator[tuple[str, str]]:
    segments = iter(unquote(segment) for segment in path.split("/"))
    for word in segments:
        yield word, next(segments, "") if word in READERS else ""


def _read(behaviour: Behaviour, word: str, argument: str) -> Behaviour:
    try:
        return READERS[word](behaviour, argument)
    except ValueError as error:
        raise Invalid(f"{word} can't be {argument!r}: {error}") from error


def span_of(text: str) -> timedelta:
    """Read `250ms`, `2s`, `1.5` (seconds) or `1m`.

    Raises:
        ValueError: it is none of these, or longer than `DELAY_MAX`.
    """
    found = SPAN.fullmatch(text)
    if found is None:
        raise ValueError("write a span as 250ms, 2s or 1m")
    span = timedelta(milliseconds=float(found[1]) * UNITS[found[2]])
    if span > DELAY_MAX:
        raise ValueError("the longest is 10m")
    return span


def _status(behaviour: Behaviour, text: str) -> Behaviour:
    if not re.fullmatch(r"[2-5]\d\d", text, re.ASCII):
        raise ValueError("write 200 to 599")
    return replace(behaviour, status=int(text))


def _retry_after(behaviour: Behaviour, text: str) -> Behaviour:
    if not PRINTABLE.fullmatch(text):
        raise ValueError("write seconds or an HTTP date")
    return replace(behaviour, retry_after=text)


def _fail(behaviour: Behaviour, text: str) -> Behaviour:
    if not (re.fullmatch(r"\d{1,7}", text, re.ASCII) and int(text) <= FAILURES_MAX):
        raise ValueError("write how many attempts fail, up to 1000000")
    return replace(behaviour, failures=int(text))


def _flaky(behaviour: Behaviour, text: str) -> Behaviour:
    if not re.fullmatch(r"0(\.\d{1,6})?|1(\.0{1,6})?", text, re.ASCII):
        raise ValueError("write a share from 0 to 1")
    return replace(behaviour, flaky=float(text))


READERS: Final[Mapping[str, Callable[[Behaviour, str], Behaviour]]] = {
    "status": _status,
    "retry-after": _retry_after,
    "delay": lambda behaviour, text: replace(behaviour, delay=span_of(text)),
    "fail": _fail,
    "flaky": _flaky,
}
SIMPLE: Final[Mapping[str, Callable[[Behaviour], Behaviour]]] = {
    "ok": lambda behaviour: behaviour,
    "gone": lambda behaviour: replace(behaviour, status=410),
    "reset": lambda behaviour: replace(behaviour, ending=Ending.RESET),
    "hang": lambda behaviour: replace(behaviour, ending=Ending.HANG),
    "trickle": lambda behaviour: replace(behaviour, ending=Ending.TRICKLE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Paths and how they behave, whatever they say themselves."""

    path: str
    behaviour: Behaviour


def rule_of(text: str) -> Rule:
    """Read `PATH=BEHAVIOUR`; a PATH that ends in `*` fits all that begins so.

    Raises:
        Invalid: it is not of that form, or the behaviour names no known word.
    """
    path, equals, asked = text.partition("=")
    if not (equals and path.startswith("/")):
        raise Invalid(f"write a rule as /path=behaviour, not {text!r}")
    words = {word for word in re.split(r"[/?&=]", asked) if word}
    if not words & (READERS.keys() | SIMPLE.keys()):
        raise Invalid(f"{asked!r} names no behaviour, such as status/500 or fail/2?delay=1s")
    return Rule(path=path, behaviour=parse(asked))


def behaviour_of(target: str, rules: Iterable[Rule]) -> Behaviour:
    """Find what a request target gets: the first rule that fits its path, else what it says.

    Raises:
        Invalid: no rule fits and the target can't be read.
    """
    path = target.partition("?")[0]
    for rule in rules:
        if path == rule.path or (rule.path.endswith("*") and path.startswith(rule.path[:-1])):
            return rule.behaviour
    return parse(target)
