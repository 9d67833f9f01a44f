"""One canonical JSON line per decision that is not plain success, on standard error.

Successes are not logged: the attempt record is their log. A line's `what` is a noun and a past
participle (`delivery.dead`, `table.read`); the fields carry the rest.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any, Protocol, TextIO

import orjson

from hooklane.adapters.ports import Clock


class Log(Protocol):
    """Writes one line."""

    def __call__(self, what: str, /, *, level: str = "info", **fields: Any) -> None:
        """Write what happened; `level` is info, warning or error."""


def json_log(service: str, *, clock: Clock, out: TextIO | None = None) -> Log:
    """Build a log whose lines carry time and service."""
    stream = out or sys.stderr

    def write(what: str, /, *, level: str = "info", **fields: Any) -> None:
        line = {"at": clock.now(), "level": level, "service": service, "what": what, **fields}
        text = orjson.dumps(line, default=_plain, option=orjson.OPT_UTC_Z).decode()
        stream.write(text + "\n")
        stream.flush()

    return write


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def no_log(what: str, /, *, level: str = "info", **fields: Any) -> None:
    """Write nothing."""
