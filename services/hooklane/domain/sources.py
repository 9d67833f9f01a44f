"""Which topics are read as events, and on whose behalf each may speak.

A source is a pattern of topic names (`events.*`), the tenants its events may name, and the tenant
of those that name none. This is where one tenant is kept from publishing as another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hooklane.domain.errors import BrokenContract

ANY_TENANT = "*"
# How a tenant is named, at every door where one is.
TENANT_PATTERN = r"^[a-z0-9][a-z0-9_.-]{0,62}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Topics by pattern; `tenants` is `("*",)` where any may be named."""

    pattern: str
    tenants: tuple[str, ...] = (ANY_TENANT,)
    default_tenant: str | None = None

    def tenant_of(self, named: str | None) -> str:
        """Say on whose behalf an event is that names this tenant, or none.

        Raises:
            BrokenContract: it may not name that one, or has to name one.
        """
        if named is None:
            if self.default_tenant is None:
                raise BrokenContract(
                    f"no ce_tenant, and source {self.pattern} has no default", reason="tenant"
                )
            return self.default_tenant
        if ANY_TENANT not in self.tenants and named not in self.tenants:
            raise BrokenContract(
                f"source {self.pattern} may not name tenant {named[:80]!r}", reason="tenant"
            )
        return named


class Sources:
    """All sources of a deployment; of two patterns that fit a topic, the first counts.

    The deployment's own topics are never a source, but for `events.<prefix>`, its operational
    events, which always are.
    """

    def __init__(self, sources: Sequence[Source], *, prefix: str) -> None:
        """Read the settings' sources."""
        self.operational = f"events.{prefix}"
        self._own = f"{prefix}."
        self._sources = (Source(pattern=self.operational), *sources)

    def source_of(self, topic: str) -> Source | None:
        """Give the source a topic belongs to, None if it is none."""
        if topic.startswith(("__", self._own)):
            return None
        fitting = (source for source in self._sources if fnmatchcase(topic, source.pattern))
        return next(fitting, None)

    def among(self, topics: Iterable[str]) -> frozenset[str]:
        """Give those of these topics that are sources."""
        return frozenset(topic for topic in topics if self.source_of(topic) is not None)
