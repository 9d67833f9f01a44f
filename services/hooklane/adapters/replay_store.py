"""What control keeps of replays: what was asked, and how it ended.

A replay is written with the command that asks for it, in one transaction; its outcome is written
once, whoever of several control processes sees it first, with the event that tells of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hooklane.adapters.log_store import PageRequest

if TYPE_CHECKING:  # that module tells this one's names on
    from hooklane.adapters.store import Command


class SourceRange(NamedTuple):
    """A part of a source partition: from `first` on, below `end`."""

    topic: str
    partition: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a replay is.

    Args:
        state: waiting, running, finished, cancelled or ended.
        reason: why it ended early, such as the endpoint's state.
        done: how many offsets of its ranges are passed.
        read: how many events were read.
        matched: how many of them became deliveries.
        undecodable: how many records could not be read as events.
    """

    state: str = "waiting"
    reason: str = ""
    done: int = 0
    read: int = 0
    matched: int = 0
    undecodable: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReplay:
    """A replay; its id is its command's."""

    replay_id: str
    endpoint_id: str
    tenant: str
    created_at: datetime
    ranges: tuple[SourceRange, ...]
    rate_per_s: int = 0
    since: datetime | None = None
    until: datetime | None = None
    cancel_asked_at: datetime | None = None
    progress: Progress = Progress()

    @property
    def total(self) -> int:
        """How many offsets its ranges have."""
        return sum(one.end - one.first for one in self.ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFilter:
    """Which replays to list; every field that is set must fit."""

    tenant: str | None = None
    endpoint_id: str | None = None


class ReplayStore(Protocol):
    """What is asked of SQL."""

    def add_replay(self, replay: KeptReplay, command: Command) -> None:
        """Keep a replay, and owe its command."""

    def replay(self, replay_id: str) -> KeptReplay:
        """Give a replay.

        Raises:
            NotFound: there is none.
        """

    def replays(self, chosen: ReplayFilter, page: PageRequest) -> list[KeptReplay]:
        """List replays, newest first."""

    def open_replays(self, limit: int) -> Sequence[KeptReplay]:
        """Give replays that have not ended, oldest first."""

    def ask_cancel(self, replay_id: str, command: Command, *, at: datetime) -> bool:
        """Note that a replay is to end, and owe the command; False where that was asked before."""

    def end_replay(self, replay: KeptReplay) -> bool:
        """Keep how a replay ended, and owe the event; False where that is kept already."""
