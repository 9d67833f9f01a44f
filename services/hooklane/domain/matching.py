"""Who gets an event: an index over the endpoint table by tenant, type and wildcard prefix.

The index is what makes a match cost the same at 10 and at 100,000 endpoints: an exact type is one
look-up, and each dotted prefix of the type is one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from hooklane.domain.endpoint import Endpoint, EndpointState

# Results, and endpoints in them all: one of 100,000 endpoints takes 800 kB.
REMEMBERED_MAX, REMEMBERED_ENDPOINTS_MAX = 10_000, 2_000_000
REFUSED_BECAUSE = {
    EndpointState.DISABLED: "endpoint_disabled",
    EndpointState.DELETED: "endpoint_deleted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An endpoint whose pattern fits but which does not get the event, and why."""

    endpoint_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Everyone an event concerns: who gets it, and who would have but for a reason.

    Both in the order of endpoint ids; `part` is 0 but where it is a later part of a large one.
    """

    matched: tuple[Endpoint, ...]
    refused: tuple[Refusal, ...]
    part: int = 0


def patterns_over(event_type: str) -> Iterator[str]:
    """Give every pattern that covers the type, the most exact first."""
    yield event_type
    end = event_type.rfind(".")
    while end > 0:
        yield event_type[: end + 1] + "*"
        end = event_type.rfind(".", 0, end)
    yield "*"


class MatchIndex:
    """Endpoints by (tenant, pattern), kept up to date revision by revision.

    A match's result is remembered until an endpoint of its tenant changes: producers send the same
    few types over and over.
    """

    def __init__(self, endpoints: Iterable[Endpoint] = ()) -> None:
        """Index these endpoints."""
        self._by_pattern: dict[tuple[str, str], dict[str, Endpoint]] = {}
        self._by_id: dict[str, Endpoint] = {}
        self._remembered: dict[str, dict[str, Match]] = {}
        self._remembered_count = self._remembered_endpoints = 0
        for endpoint in endpoints:
            self.put(endpoint)

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, endpoint_id: str) -> Endpoint | None:
        """Give the endpoint's newest revision, if the table has it."""
        return self._by_id.get(endpoint_id)

    def put(self, endpoint: Endpoint) -> None:
        """Take a revision in, replacing the one before."""
        self.remove(endpoint.endpoint_id)
        self._by_id[endpoint.endpoint_id] = endpoint
        self._forget(endpoint.tenant)
        for pattern in endpoint.subscription.patterns:
            bucket = self._by_pattern.setdefault((endpoint.tenant, pattern), {})
            bucket[endpoint.endpoint_id] = endpoint

    def remove(self, endpoint_id: str) -> None:
        """Forget an endpoint (its tombstone was read)."""
        before = self._by_id.pop(endpoint_id, None)
        if before is None:
            return
        self._forget(before.tenant)
        for pattern in before.subscription.patterns:
            bucket = self._by_pattern[before.tenant, pattern]
            del bucket[endpoint_id]
            if not bucket:
                del self._by_pattern[before.tenant, pattern]

    def match(self, tenant: str, event_type: str) -> Match:
        """Tell who gets an event of this tenant and type, in endpoint-id order."""
        of_tenant = self._remembered.get(tenant)
        known = None if of_tenant is None else of_tenant.get(event_type)
        if known is None:
            known = self._look_up(tenant, event_type)
            self._remember(tenant, event_type, known)
        return known

    def _remember(self, tenant: str, event_type: str, found: Match) -> None:
        is_full = (
            self._remembered_count >= REMEMBERED_MAX
            or self._remembered_endpoints >= REMEMBERED_ENDPOINTS_MAX
        )
        if is_full:
            self._remembered.clear()
            self._remembered_count = self._remembered_endpoints = 0
        self._remembered.setdefault(tenant, {})[event_type] = found
        self._remembered_count += 1
        self._remembered_endpoints += _size(found)

    def _forget(self, tenant: str) -> None:
        forgotten = self._remembered.pop(tenant, None)
        if forgotten:
            self._remembered_count -= len(forgotten)
            self._remembered_endpoints -= sum(map(_size, forgotten.values()))

    def _look_up(self, tenant: str, event_type: str) -> Match:
        fitting: dict[str, Endpoint] = {}
        for pattern in patterns_over(event_type):
            fitting |= self._by_pattern.get((tenant, pattern), {})
        ordered = sorted(fitting.values(), key=_id_of)
        refused = {e.endpoint_id: reason for e in ordered if (reason := refusal_of(e)) is not None}
        return Match(
            matched=tuple(e for e in ordered if e.endpoint_id not in refused)
            if refused
            else tuple(ordered),
            refused=tuple(
                Refusal(endpoint_id=endpoint_id, reason=reason)
                for endpoint_id, reason in refused.items()
            ),
        )


_id_of = attrgetter("endpoint_id")


def _size(match: Match) -> int:
    return len(match.matched) + len(match.refused)


def refusal_of(endpoint: Endpoint) -> str | None:
    """Say why an endpoint takes no new events, None if it takes them."""
    # An enum's hash costs more than all the rest, and next to all are active.
    is_active = endpoint.state is EndpointState.ACTIVE
    reason = None if is_active else REFUSED_BECAUSE.get(endpoint.state)
    if reason is None and endpoint.placement is None:
        return "endpoint_without_lane"
    return reason
