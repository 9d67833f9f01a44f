"""The daily comparison of SQL and the endpoint table: what differs is published anew.

Reads the whole of `hooklane.endpoints`; writes outbox rows only. It mends what nobody should have
done: a topic emptied by hand, a database restored from an older copy. Promises: revisions only
grow, also when the topic is ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Clock, Reader
from hooklane.adapters.store import ControlStore, EndpointFilter, KeptEndpoint, PageRequest
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.topics import Partition, Topics

_PAGE = 500
_BATCH = 1_000
_READ_S = 60.0
_SHORT_WAIT = timedelta(milliseconds=100)


class Comparison:
    """Compares on request; every call is made by one thread."""

    def __init__(
        self,
        store: ControlStore,
        open_reader: Callable[[], Reader],
        *,
        topics: Topics,
        clock: Clock,
        log: Log = no_log,
    ) -> None:
        """Keep what it asks."""
        self._store, self._open_reader, self._clock = store, open_reader, clock
        self._partition, self._log = Partition(topics.endpoints, 0), log

    def run(self) -> int:
        """Compare once; give how many endpoints are published anew."""
        kept = self._all()
        found = self._on_topic()
        differing = [one for one in kept if self._differs(one, found)]
        for one in differing:
            endpoint_id = one.endpoint.endpoint_id
            above = found.get(endpoint_id, 0)
            self._store.announce_again(endpoint_id, at=self._clock.now(), above=above)
            self._log("endpoint.announced_again", level="warning", endpoint=endpoint_id)
        return len(differing)

    def _differs(self, kept: KeptEndpoint, found: dict[str, int]) -> bool:
        # What SQL still owes is on its way; the relay sees to it.
        if kept.announced is None:
            return False
        return found.get(kept.endpoint.endpoint_id) != kept.endpoint.revision

    def _all(self) -> list[KeptEndpoint]:
        found = self._store.deleted_endpoints()
        for state in EndpointState:
            if state is EndpointState.DELETED:
                continue
            page = PageRequest(limit=_PAGE)
            while rows := self._store.endpoints(EndpointFilter(state=state), page):
                found += rows
                last = rows[-1]
                cursor = (to_ms(last.created_at), last.endpoint.endpoint_id)
                page = PageRequest(limit=_PAGE, after=cursor)
        return found

    def _on_topic(self) -> dict[str, int]:
        reader = self._open_reader()
        try:
            log_start, end = reader.ends(self._partition)
            reader.start({self._partition: log_start})
            found: dict[str, int] = {}
            deadline = self._clock.monotonic() + _READ_S
            while reader.position(self._partition) < end:
                for record in reader.read(_BATCH, timeout=_SHORT_WAIT):
                    _note(found, record.key(), record.value())
                if self._clock.monotonic() >= deadline:
                    raise Unavailable("the endpoint table could not be read in time")
            return found
        finally:
            reader.close()


def _note(found: dict[str, int], key: bytes | None, value: bytes | None) -> None:
    if key is None:
        return
    endpoint_id = key.decode(errors="replace")
    if value is None:
        found.pop(endpoint_id, None)
        return
    try:
        found[endpoint_id] = codec("endpoint").decode(value)["revision"]
    except BrokenContract:
        found.pop(endpoint_id, None)
