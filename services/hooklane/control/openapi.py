"""How the API describes its refusals: one form, every status that can come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "application/problem+json"
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The kind of refusal."},
        "status": {"type": "integer", "description": "The answer's status."},
        "detail": {"type": "string", "description": "Names the field and the rule."},
    },
}
_REFUSALS: Mapping[int, tuple[str, str]] = {
    400: ("Refused", "the body is not JSON"),
    401: ("Unauthenticated", "send the API key as Authorization: Bearer …"),
    403: ("Forbidden", "this key may read only"),
    404: ("Not found", "no endpoint 'ep_x'"),
    409: ("Conflict", "endpoint ep_x is disabled: enable it first"),
    412: ("Revision is stale", "the endpoint is at revision 3"),
    413: ("Too large", "the body has more than 1048576 bytes"),
    422: ("Not valid", "limit: Input should be less than or equal to 500"),
    428: ("If-Match is required", 'send If-Match: "<revision>"'),
    429: ("Too many requests", "this key may send 50 requests a second"),
    503: ("Unavailable", "database: connection refused"),
}


def problem_answers() -> dict[int | str, dict[str, Any]]:
    """Describe every refusal, for all operations: nothing was changed by one."""
    return {
        status: {
            "description": title,
            "content": {
                MEDIA_TYPE: {
                    "schema": dict(_SCHEMA),
                    "example": {
                        "type": "about:blank",
                        "title": title,
                        "status": status,
                        "detail": detail,
                    },
                }
            },
        }
        for status, (title, detail) in _REFUSALS.items()
    }
