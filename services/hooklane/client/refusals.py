"""From the API's problem answers to our errors."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from hooklane.domain.errors import (
    Conflict,
    HooklaneError,
    Invalid,
    NotFound,
    Unavailable,
)

_KINDS: Mapping[int, type[HooklaneError]] = {
    404: NotFound,
    409: Conflict,
    412: Conflict,
}
# Nothing is wrong with the request: it came too slowly, or while too much was under way.
_LATER = (408, 429)


def error_of(response: httpx.Response, *, asked: str = "control API") -> HooklaneError:
    """Build the error that an unsuccessful answer tells of, with its status, field and index."""
    detail, status = _told(response), response.status_code
    fields = {"status": status, **_places(response)}
    if status in _KINDS:
        return _KINDS[status](detail, **fields)
    if 400 <= status < 500 and status not in _LATER:
        return Invalid(detail, **fields)
    return Unavailable(f"{asked} answered {status}: {detail}", **fields)


def _told(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase or f"status {response.status_code}"


def _places(response: httpx.Response) -> dict[str, object]:
    """Give where in the request the fault is, as far as the answer says."""
    try:
        said = response.json()
    except ValueError:
        return {}
    if not isinstance(said, dict):
        return {}
    kinds = {"field": str, "index": int}
    return {name: said[name] for name, kind in kinds.items() if type(said.get(name)) is kind}
