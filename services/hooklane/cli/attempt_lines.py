"""One attempt as one line for people, the same in `tail`, `explain` and the demo."""

from collections.abc import Mapping
from typing import Any

Attempt = Mapping[str, Any]


def line(attempt: Attempt) -> str:
    """Tell an attempt of a delivery that is named already: `09:00:00.123  attempt 1  500 …`."""
    return f"{clock(attempt['started_at'])}  {_met(attempt)} → {then(attempt)}"


def tail_line(attempt: Attempt) -> str:
    """Tell an attempt among others: what of, what it met, how long it took, for whom."""
    kind = f"{attempt['type']} v{attempt['version']}"
    took = attempt["timings"]["total_ms"]
    shown = "-" if took is None else f"{took} ms"
    return (
        f"{clock(attempt['started_at'])}  {kind:<22}  {_met(attempt)} {shown:>8} → "
        f"{then(attempt):<28}  {attempt['endpoint_id']}  {attempt['event_id']}"
    )


def then(attempt: Attempt) -> str:
    """Say what followed: `delivered`, `retry, due 09:00:05.700` or `dead (exhausted)`."""
    said = str(attempt["verdict"])
    if attempt["due_at"]:
        said += f", due {clock(attempt['due_at'])}"
    if attempt["reason"]:
        said += f" ({attempt['reason']})"
    return said


def clock(instant: Any) -> str:
    """Give the time of day of an RFC 3339 instant, in UTC and milliseconds."""
    return str(instant)[11:23]


def _met(attempt: Attempt) -> str:
    status = attempt["status"] if attempt["status"] is not None else "-"
    trigger = "" if attempt["trigger"] == "event" else f" ({attempt['trigger']})"
    return f"attempt {attempt['number']}{trigger}  {status:>3}  {attempt['outcome']:<11}"
