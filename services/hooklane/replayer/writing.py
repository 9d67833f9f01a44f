"""What goes again, as records, inside the transaction that is open."""

from __future__ import annotations

from datetime import datetime

from hooklane.adapters.codec import codec
from hooklane.adapters.log import Log
from hooklane.adapters.ports import TransactionalProducer
from hooklane.domain.delivery import progress_of
from hooklane.domain.endpoint import Placement
from hooklane.domain.errors import BrokenContract
from hooklane.replayer.redrive import Batch


def write_redriven(
    producer: TransactionalProducer, batch: Batch, *, lane: Placement, now: datetime, log: Log
) -> int:
    """Copy dead letters to their lane and leave a tombstone for each; give how many.

    One whose headers or value can't be read stays where it is.
    """
    count = 0
    for record in batch.records:
        try:
            progress = progress_of(record.headers()).redriven(at=now)
            key = codec("delivery").decode(record.value())["key"]
        except BrokenContract as error:
            log("dead_letter.unreadable", level="error", offset=record.offset(), error=str(error))
            continue
        producer.produce(
            lane.topic,
            record.value(),
            key=key,
            headers=progress.headers(),
            partition=lane.partition,
        )
        # Where the dead letter lies: by its key it might belong elsewhere by now.
        producer.produce(record.topic(), None, key=record.key(), partition=record.partition())
        count += 1
    return count
