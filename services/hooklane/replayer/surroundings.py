"""What the replayer stands in: the outside world, each part behind its port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Clock, Member, Reader, TransactionalProducer
from hooklane.adapters.schema_cache import SchemaCache
from hooklane.replayer.resubmit import RejectedEvents


class Closable(Protocol):
    """What is closed at the end."""

    def close(self) -> None:
        """End."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything the worker talks to; `others` are closed with it."""

    member: Member
    producer: TransactionalProducer
    reader: Reader
    schemas: SchemaCache
    rejected: RejectedEvents
    admin: Admin
    table: EndpointTable
    positions: PositionReport
    clock: Clock
    log: Log
    others: Sequence[Closable] = ()

    def close(self) -> None:
        """Leave the group first, so that its partitions move at once."""
        own: tuple[Closable, ...] = (self.member, self.producer, self.reader, self.admin)
        for part in (*own, *self.others):
            part.close()
