"""What deliverers ask of control: Disable, after a 410.

Reads `hooklane.commands` without a group; its offsets lie in SQL and move, by compare-and-set, in
the transaction of the change, so that of several control processes one takes each command, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Clock, Reader, Record
from hooklane.adapters.store import ControlStore, KeptEndpoint, LostRace, OffsetMove
from hooklane.control.drafts import moved_revision
from hooklane.domain.endpoint import Cause, Endpoint
from hooklane.domain.errors import BrokenContract, Conflict, NotFound
from hooklane.domain.topics import Partition, Topics

READER = "control"
_NO_WAIT = timedelta(0)
_BATCH = 500


class Disabling:
    """Takes Disable commands in."""

    def __init__(
        self,
        store: ControlStore,
        reader: Reader,
        *,
        topics: Topics,
        clock: Clock,
        log: Log = no_log,
    ) -> None:
        """Begin with nothing read."""
        self._store, self._reader, self._clock, self._log = store, reader, clock, log
        self._partitions = [
            Partition(topics.commands, number) for number in range(topics.counts.commands)
        ]
        self._at: dict[Partition, int | None] = {}
        # What was read and could not be taken in has to be read again.
        self._is_astray = False

    def start(self) -> None:
        """Read on from where SQL says any control process has come."""
        known = self._store.offsets(READER)
        starts = {}
        for partition in self._partitions:
            log_start, _ = self._reader.ends(partition)
            starts[partition] = max(known.get(partition, log_start), log_start)
            if partition in known and known[partition] < log_start:
                self._log("commands.gap_found", level="error", partition=partition.partition)
        self._reader.start(starts)
        self._at = {partition: known.get(partition) for partition in self._partitions}
        self._is_astray = False

    def step(self) -> int:
        """Take in what is there; give how many endpoints were disabled.

        Raises:
            Unavailable: the database or Kafka can't be reached; nothing read is passed over.
        """
        if self._is_astray:
            self.start()
        records = self._reader.read(_BATCH, timeout=_NO_WAIT)
        self._is_astray = bool(records)
        try:
            disabled = sum(self._take(record) for record in records)
            self._move_past(records)
        except LostRace as error:
            # Another control process was faster: read what it left.
            self._log("commands.lost", error=str(error))
            self.start()
            return 0
        self._is_astray = False
        return disabled

    def close(self) -> None:
        """End."""
        self._reader.close()

    def _take(self, record: Record) -> bool:
        try:
            command = codec("command").decode(record.value())
        except BrokenContract as error:
            self._log("command.unreadable", level="error", error=str(error))
            return False
        if command["kind"] != "disable":
            return False
        move = self._move(record)
        try:
            before = self._store.endpoint(command["endpoint_id"]).endpoint.revision
            kept = self._store.change_endpoint(
                command["endpoint_id"],
                lambda kept: _disabled(kept, command),
                at=self._clock.now(),
                moves=[move],
                reader=READER,
            )
        except NotFound:
            return False
        self._at[move.partition] = move.offset
        changed = kept.endpoint.revision > before
        if changed:
            self._log(
                "endpoint.disabled",
                level="warning",
                endpoint=kept.endpoint.endpoint_id,
                tenant=kept.endpoint.tenant,
                reason=kept.endpoint.state_reason,
            )
        return changed

    def _move(self, record: Record) -> OffsetMove:
        partition = Partition(record.topic(), record.partition())
        return OffsetMove(
            partition=partition, expected=self._at[partition], offset=record.offset() + 1
        )

    def _move_past(self, records: Sequence[Record]) -> None:
        ends = {Partition(record.topic(), record.partition()): record for record in records}
        moves = [
            move
            for record in ends.values()
            if (move := self._move(record)).expected is None or move.offset > (move.expected or 0)
        ]
        if moves:
            self._store.move_offsets(READER, moves)
            self._at.update({move.partition: move.offset for move in moves})


def _disabled(kept: KeptEndpoint, command: Value) -> Endpoint | None:
    # Only the revision the deliverer saw: who changed it since has seen to it.
    if kept.endpoint.revision != command["revision"]:
        return None
    try:
        return moved_revision(kept.endpoint, Cause.DISABLE, reason=command["reason"])
    except (Conflict, NotFound):
        return None
