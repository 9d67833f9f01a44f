"""What a receiver says of the single items of a batch, read from the body of its answer.

A receiver that took some items and not others answers 2xx (207 says it best) with

    {"results": [{"id": "evt_…", "status": 200}, {"id": "evt_…", "status": 503}, …]}

where `id` is the item's own `id` and `status` what it would have answered to the item alone. Any
bytes are read, and never raise. A body of another form says nothing, nor does an entry of another
form: then the whole answer counts, for all items or for that one. But of bytes that may be the
beginning of results, the rest lost, nobody can say what the receiver refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# What of an entry is kept as its attempt's response body.
SAID_BYTES_MAX = 1_024
STATUS_MIN, STATUS_MAX = 200, 599


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """What was said of one item; `said` is the entry as text, its beginning."""

    status: int
    said: bytes

    @property
    def succeeded(self) -> bool:
        """Tell whether the receiver has the item."""
        return 200 <= self.status < 300


NOTHING: Mapping[str, ItemResult] = MappingProxyType({})


def item_results(body: bytes) -> Mapping[str, ItemResult]:
    """Read a body's results by event id; of two about one id the one that failed counts."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return NOTHING
    entries = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return NOTHING
    found: dict[str, ItemResult] = {}
    for entry in entries:
        event_id, result = _read(entry)
        if result is None:
            continue
        before = found.get(event_id)
        # To send an item again that was taken costs less than to drop one that was not.
        if before is None or before.succeeded:
            found[event_id] = result
    return found


def may_be_cut_short(body: bytes) -> bool:
    """Tell of bytes of which there may have been more whether they may begin a body of results."""
    begun = body.lstrip(b" \t\r\n")[:1]
    if begun and begun.isascii() and begun not in b"{\0":
        return False
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return True
    return False


def _read(entry: Any) -> tuple[str, ItemResult | None]:
    if not isinstance(entry, dict):
        return "", None
    event_id, status = entry.get("id"), entry.get("status")
    # A bool is an int to Python, and no status to anybody.
    if not isinstance(event_id, str) or not isinstance(status, int) or isinstance(status, bool):
        return "", None
    if not STATUS_MIN <= status <= STATUS_MAX:
        return "", None
    said = json.dumps(entry, separators=(",", ":")).encode()[:SAID_BYTES_MAX]
    return event_id, ItemResult(status=status, said=said)
