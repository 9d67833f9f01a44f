"""What retriers are asked for: SendNow, read from the commands without a group by each of them.

Read from the log's start, so that one asked before this process began, or before it got a
partition, is known too. Kept is each endpoint's newest time alone: the later covers the earlier.
"""

from __future__ import annotations

import re
from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock, Reader, Record
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Partition, Topics

SEND_NOW = "send_now"
RECORDS_MAX = 500
READS_MAX = 20
_ENDPOINT_ID = re.compile(r"[a-z0-9_]{1,29}")


class Orders:
    """Follows the commands topic."""

    def __init__(
        self, reader: Reader, topics: Topics, *, keep: timedelta, clock: Clock, log: Log
    ) -> None:
        """Begin with none; what is older than `keep` covers nothing that is not due."""
        self._reader, self._topics, self._keep = reader, topics, keep
        self._clock, self._log = clock, log
        # When each endpoint's deliveries were last asked for, by the brokers' clock.
        self.cutoffs: dict[str, int] = {}

    def start(self) -> None:
        """Begin at the logs' starts.

        Raises:
            Unavailable: they can't be asked for.
        """
        parts = [Partition(self._topics.commands, n) for n in range(self._topics.counts.commands)]
        self._reader.start({part: self._reader.ends(part)[0] for part in parts})

    def poll(self) -> dict[str, int]:
        """Take in what came; give the endpoints that are asked for, each with its newest time.

        Raises:
            Unavailable: the brokers can't be reached.
        """
        oldest_ms = to_ms(self._clock.now() - self._keep)
        found: dict[str, int] = {}
        for _ in range(READS_MAX):
            records = self._reader.read(RECORDS_MAX, timeout=timedelta(0))
            if not records:
                break
            for record in records:
                at_ms = record.timestamp()[1]
                endpoint_id = self._endpoint_of(record) if at_ms >= oldest_ms else None
                if endpoint_id is not None:
                    found[endpoint_id] = max(at_ms, found.get(endpoint_id, 0))
        for endpoint_id, at_ms in found.items():
            self.cutoffs[endpoint_id] = max(at_ms, self.cutoffs.get(endpoint_id, 0))
        if found:
            stale = [one for one, at_ms in self.cutoffs.items() if at_ms < oldest_ms]
            for endpoint_id in stale:
                del self.cutoffs[endpoint_id]
        return found

    def _endpoint_of(self, record: Record) -> str | None:
        try:
            value = codec("command").decode(record.value())
        except BrokenContract as error:
            self._log(
                "command.unreadable",
                level="warning",
                partition=record.partition(),
                offset=record.offset(),
                error=str(error),
            )
            return None
        endpoint_id = value["endpoint_id"]
        if value["kind"] != SEND_NOW or _ENDPOINT_ID.fullmatch(endpoint_id) is None:
            return None
        return str(endpoint_id)
