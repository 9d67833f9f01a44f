"""How replays go on: read from the replayer's commits, and kept once they have ended.

Reads the commits of the group `<prefix>.replayer` with their metadata: cursors of what is under
way, and how the last commands ended. Writes an ended replay's outcome, once, with the event that
tells of it. Promises: what is told of a running replay is what is committed; a replay whose outcome
nobody was there to read is not called waiting for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Admin, Clock
from hooklane.adapters.replay_store import KeptReplay, Progress
from hooklane.adapters.store import ControlStore
from hooklane.domain.cursor import Cursor, Ending, Outcome, told_in
from hooklane.domain.delivery import from_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, Topics

OPEN_MAX = 500
LOOK_EVERY_S = 1.0
UNKNOWN = "outcome_unknown"

Commits = Mapping[Partition, Committed]


class Replays:
    """Looks after replays that have not ended; may be asked by several threads."""

    name = "replays"

    def __init__(
        self, store: ControlStore, admin: Admin, *, topics: Topics, clock: Clock, log: Log = no_log
    ) -> None:
        """Begin with nothing seen."""
        self._store, self._admin, self._clock, self._log = store, admin, clock, log
        self._group = topics.group("replayer")
        self._partitions = [
            Partition(topics.commands, number) for number in range(topics.counts.commands)
        ]
        # Of a replay in no commit: the log ends at a time when its command was published.
        self._noted: dict[str, dict[Partition, int]] = {}
        # Set by whoever has a relay to wake.
        self.ring: Callable[[], None] = lambda: None

    def step(self) -> None:
        """Keep what has ended.

        Raises:
            Unavailable: the database or Kafka can't be reached.
        """
        if self.look():
            self.ring()
        self._clock.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """End."""

    def shown(self, replay: KeptReplay) -> KeptReplay:
        """Give a replay as it is now.

        Raises:
            Unavailable: the commits can't be read now.
        """
        if replay.progress.finished_at is not None:
            return replay
        self.look([replay])
        (shown,) = self.all_shown([self._store.replay(replay.replay_id)])
        return shown

    def all_shown(self, replays: Sequence[KeptReplay]) -> list[KeptReplay]:
        """Give replays with the progress of those that are under way."""
        if all(replay.progress.finished_at is not None for replay in replays):
            return list(replays)
        cursors, _ = self._told(self._commits())
        return [
            replace(replay, progress=running(replay, cursors[replay.replay_id]))
            if replay.progress.finished_at is None and replay.replay_id in cursors
            else replay
            for replay in replays
        ]

    def look(self, replays: Iterable[KeptReplay] | None = None) -> int:
        """Keep the outcomes of these replays, or of all that are open; give how many ended."""
        waiting = list(self._store.open_replays(OPEN_MAX) if replays is None else replays)
        if not waiting:
            self._noted.clear()
            return 0
        # Asked before the commits, so that what it says of the commands holds for them.
        is_published = self._store.unpublished_count() == 0
        commits = self._commits()
        cursors, outcomes = self._told(commits)
        count = 0
        for replay in waiting:
            outcome = outcomes.get(replay.replay_id)
            if outcome is not None:
                progress = ended(replay, outcome)
            elif replay.replay_id in cursors or not self._is_passed(
                replay, commits, is_published=is_published
            ):
                continue
            else:
                now = self._clock.now()
                progress = replace(
                    replay.progress, state=Ending.ENDED.value, reason=UNKNOWN, finished_at=now
                )
            if self._store.end_replay(replace(replay, progress=progress)):
                count += 1
                self._log("replay.ended", replay=replay.replay_id, state=progress.state)
            self._noted.pop(replay.replay_id, None)
        return count

    def _is_passed(self, replay: KeptReplay, commits: Commits, *, is_published: bool) -> bool:
        """Tell whether its command is behind the commits, though they say nothing of it."""
        noted = self._noted.get(replay.replay_id)
        if noted is None:
            if is_published:
                ends = self._admin.ends(self._partitions)
                self._noted[replay.replay_id] = {place: end for place, (_, end) in ends.items()}
            return False
        return bool(noted) and all(
            place in commits and commits[place].offset >= end for place, end in noted.items()
        )

    def _commits(self) -> Commits:
        return self._admin.committed(self._group, self._partitions)

    def _told(self, commits: Commits) -> tuple[dict[str, Cursor], dict[str, Outcome]]:
        cursors: dict[str, Cursor] = {}
        outcomes: dict[str, Outcome] = {}
        for partition, committed in commits.items():
            try:
                told = told_in(committed)
            except BrokenContract as error:
                self._log("commit.unreadable", level="error", partition=partition, error=str(error))
                continue
            cursors |= {cursor.command_id: cursor for cursor in told.cursors}
            outcomes |= {outcome.cursor.command_id: outcome for outcome in told.outcomes}
        return cursors, outcomes


def running(replay: KeptReplay, cursor: Cursor) -> Progress:
    """Say how far a replay's cursor is."""
    sizes = [one.end - one.first for one in replay.ranges]
    done = sum(sizes[: cursor.partition])
    if cursor.partition < len(sizes):
        done += max(0, cursor.done - replay.ranges[cursor.partition].first)
    return Progress(
        state="running",
        done=done,
        read=cursor.seen,
        matched=cursor.count,
        undecodable=cursor.refused,
        started_at=from_ms(cursor.begun_ms) if cursor.begun_ms else None,
    )


def ended(replay: KeptReplay, outcome: Outcome) -> Progress:
    """Say how a replay ended."""
    return replace(
        running(replay, outcome.cursor),
        state=outcome.ending.value,
        reason=outcome.reason,
        finished_at=from_ms(outcome.finished_ms),
    )
