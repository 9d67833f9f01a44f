"""Verifies what the demo's receiver got with the official library, where it is installed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from hooklane.receiver.verify import VerificationFailed, Webhook

official: ModuleType | None
try:
    official = import_module("standardwebhooks")
except ImportError:
    official = None

VERIFIER = (
    "hooklane.receiver.verify (the official library is not installed)"
    if official is None
    else "the official standardwebhooks library"
)


def verify(request: Mapping[str, Any], secrets: Collection[str]) -> bool:
    """Tell whether one of the endpoints' secrets signed the request."""
    return any(_is_signed(request, secret) for secret in secrets)


def _is_signed(request: Mapping[str, Any], secret: str) -> bool:
    body, headers = request["body"], dict(request["headers"])
    if official is None:
        try:
            Webhook(secret).verify(body.encode(), headers)
        except VerificationFailed:
            return False
        return True
    try:
        official.Webhook(secret).verify(body, headers)
    except official.WebhookVerificationError:
        return False
    return True
