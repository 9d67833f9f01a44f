"""What an endpoint wants: event-type patterns.

A pattern is an event type (`order.created`), a prefix (`order.*`, any type below `order`), or `*`.
A type is dotted lower-case words, as an Avro full name: `namespace.name`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hooklane.domain.errors import Invalid

PATTERNS_MAX = 100
PATTERN_LENGTH_MAX = 255
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_TYPE = re.compile(rf"^{_WORD}(\.{_WORD})+\Z")
_PREFIX = re.compile(rf"^({_WORD}\.)+\*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The event types an endpoint gets: those that fit any of its patterns."""

    patterns: tuple[str, ...]

    def wants(self, event_type: str) -> bool:
        """Tell whether an event of this type fits."""
        return any(fits(pattern, event_type) for pattern in self.patterns)


def fits(pattern: str, event_type: str) -> bool:
    """Tell whether one pattern covers the type."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


def is_event_type(text: str) -> bool:
    """Tell whether the text can be an event type."""
    return len(text) <= PATTERN_LENGTH_MAX and _TYPE.match(text) is not None


def subscription(patterns: Sequence[str]) -> Subscription:
    """Build a subscription of 1 to 100 patterns.

    Raises:
        Invalid: the list is empty or too long, or a pattern is not well formed; it is named.
    """
    if not 1 <= len(patterns) <= PATTERNS_MAX:
        raise Invalid(f"a subscription has 1 to {PATTERNS_MAX} patterns, not {len(patterns)}")
    for pattern in patterns:
        well_formed = pattern == "*" or _PREFIX.match(pattern) or is_event_type(pattern)
        if not well_formed or len(pattern) > PATTERN_LENGTH_MAX:
            raise Invalid(
                f"pattern {pattern[:80]!r} is neither an event type such as order.created, "
                "a prefix such as order.*, nor *"
            )
    return Subscription(patterns=tuple(dict.fromkeys(patterns)))
