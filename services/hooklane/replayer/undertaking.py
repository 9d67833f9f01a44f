"""What a command becomes when it is taken up: where it begins, and who does it."""

from __future__ import annotations

from hooklane.domain.cursor import PARTITIONS_MAX, Cursor
from hooklane.domain.errors import Misconfigured, Unavailable
from hooklane.domain.topics import Partition, Topics
from hooklane.replayer.command import REDRIVE, REPLAY, RESEND, RESUBMIT, Command
from hooklane.replayer.redrive import Redrive
from hooklane.replayer.replay import EventLog, Replay
from hooklane.replayer.resubmit import Resubmit
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings
from hooklane.replayer.turns import first_cursor

Undertaking = Redrive | Resubmit | Replay


class Undertakings:
    """Makes them."""

    def __init__(self, around: Surroundings, *, topics: Topics, settings: ReplayerSettings) -> None:
        """Keep what they need of the world."""
        self._around, self._topics, self._settings = around, topics, settings
        self.past = EventLog(
            reader=around.reader,
            admin=around.admin,
            events=around.rejected.events,
            topics=topics,
            settings=settings,
            clock=around.clock,
            log=around.log,
        )

    def begin(self, command: Command) -> Cursor:
        """Give where a command begins; a redrive's notes the log ends of the dead letters.

        Raises:
            Unavailable: they can't be had now.
            Misconfigured: there are more partitions than can be noted.
        """
        ends = self._dead_letter_ends() if command.kind == REDRIVE else ()
        return first_cursor(command, begun_ms=self._around.clock.now_ms(), ends=ends)

    def of(self, command: Command, cursor: Cursor) -> Undertaking:
        """Give who goes on with a command at its cursor."""
        around = self._around
        if command.kind == RESUBMIT:
            return Resubmit(command, cursor, rejected=around.rejected)
        if command.kind in (REPLAY, RESEND):
            return Replay(command, cursor, past=self.past)
        return Redrive(
            command,
            cursor,
            reader=around.reader,
            topic=self._topics.dead_letters,
            settings=self._settings,
        )

    def _dead_letter_ends(self) -> tuple[int, ...]:
        topic, admin = self._topics.dead_letters, self._around.admin
        count = admin.topics().get(topic)
        if count is None:
            raise Unavailable(f"{topic} is not among the cluster's topics now")
        if count > PARTITIONS_MAX:
            raise Misconfigured(f"{topic} has {count} partitions, more than {PARTITIONS_MAX}")
        partitions = [Partition(topic, number) for number in range(count)]
        # The very ends, for which the scan waits: tombstones of an earlier redrive may be hidden
        # behind a transaction that another's death left open.
        ends = admin.log_ends(partitions)
        if len(ends) < count:
            raise Unavailable(f"the ends of {topic} are not to be had now")
        return tuple(ends[partition] for partition in partitions)
