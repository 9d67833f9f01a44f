"""What the retrier stands in: the outside world, each part behind its port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Clock, Member, Reader, TransactionalProducer


class Closable(Protocol):
    """What is closed at the end."""

    def close(self) -> None:
        """End."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything the worker talks to; `others` are closed with it.

    `commands` reads what is asked of retriers, `ahead` the tiers past what is due.
    """

    member: Member
    producer: TransactionalProducer
    admin: Admin
    table: EndpointTable
    positions: PositionReport
    commands: Reader
    ahead: Reader
    clock: Clock
    log: Log
    others: Sequence[Closable] = ()

    def close(self) -> None:
        """Leave the group first, so that its partitions move at once."""
        readers = (self.commands, self.ahead)
        parts: tuple[Closable, ...]
        parts = (self.member, self.producer, *self.others, *readers, self.admin)
        for part in parts:
            part.close()
