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


def error_of(response: httpx.Response, *, asked: str = "control API") -> HooklaneError:
    """Build the error that an unsuccessful answer tells of."""
    detail, status = _told(response), response.status_code
    if status in _KINDS:
        return _KINDS[status](detail)
    if 400 <= status < 500:
        return Invalid(detail)
    return Unavailable(f"{asked} answered {status}: {detail}")


def _told(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase or f"status {response.status_code}"
