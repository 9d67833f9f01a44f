"""What deliverers are asked for: read from the commands' end, without a group, by each of them.

Probes, and until when the exhaustion guard holds. Of that the last ones before the end are read
too, so that a deliverer that begins under a guard knows of it; it is told anew every minute. Only
the owner of the endpoint's lane sends one. A probe that nobody owned when it came, or that
was read too late, is not sent: whoever asked was told so meanwhile, and asks again.
"""

from __future__ import annotations

from datetime import timedelta

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock, Reader
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Partition, Topics

PROBE = "probe"
GUARD = "guard"
# So far before the end a guard that holds is looked for.
TAIL = 500
LOOK_S = 0.05
RECORDS_MAX = 100
AGE_MS_MAX = 30_000


class ProbeTail:
    """Follows the commands topic."""

    def __init__(self, reader: Reader, topics: Topics, *, clock: Clock, log: Log) -> None:
        """Begin with nothing read."""
        self._reader, self._topics, self._clock, self._log = reader, topics, clock, log
        self._looked_at = float("-inf")
        self._news_from: dict[Partition, int] = {}
        # Until when the exhaustion guard holds.
        self.guarded_until_ms = 0

    def start(self) -> None:
        """Begin a little before the end, with probes from the end on.

        Raises:
            Unavailable: it can't be asked for.
        """
        parts = [Partition(self._topics.commands, n) for n in range(self._topics.counts.commands)]
        ends = {part: self._reader.ends(part) for part in parts}
        self._news_from = {part: end for part, (_, end) in ends.items()}
        self._reader.start({part: max(low, end - TAIL) for part, (low, end) in ends.items()})

    def poll(self) -> list[Value]:
        """Give the probes that came, at most every 50 ms.

        Raises:
            Unavailable: the brokers can't be reached.
        """
        moment = self._clock.monotonic()
        if moment - self._looked_at < LOOK_S:
            return []
        self._looked_at = moment
        found, oldest_ms = [], self._clock.now_ms() - AGE_MS_MAX
        for record in self._reader.read(RECORDS_MAX, timeout=timedelta(0)):
            try:
                value = codec("command").decode(record.value())
            except BrokenContract as error:
                self._log("command.unreadable", level="warning", error=str(error))
                continue
            if value["kind"] == GUARD and value["until"] is not None:
                self.guarded_until_ms = max(self.guarded_until_ms, value["until"])
            if value["kind"] != PROBE or record.timestamp()[1] < oldest_ms:
                continue
            if record.offset() >= self._news_from[Partition(record.topic(), record.partition())]:
                found.append(value)
        return found
