"""Control's worker: starts the API and its threads, then takes Disable in and looks after lanes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Clock
from hooklane.adapters.store import ControlStore
from hooklane.control.board import Board, Positions
from hooklane.control.comparison import Comparison
from hooklane.control.disabling import Disabling
from hooklane.control.lanes import Lanes
from hooklane.control.loops import Loop
from hooklane.control.relay import Relay
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Topics


class Server(Protocol):
    """Answers the API's requests."""

    def start(self) -> None:
        """Begin to answer."""

    def stop(self) -> None:
        """Finish what is being answered, then end."""


class Aside(Protocol):
    """Work on a thread of its own, whose trouble does not make control unready."""

    name: str
    # Wakes the relay.
    ring: Callable[[], None]

    def step(self) -> None:
        """Do one round; waits by itself where there is nothing to do."""

    def close(self) -> None:
        """End."""


class Bell:
    """Wakes the relay as soon as a change is committed."""

    def __init__(self) -> None:
        """Begin unrung."""
        self._rung = threading.Event()

    def ring(self) -> None:
        """Wake whoever waits."""
        self._rung.set()

    def wait(self, timeout: timedelta) -> None:
        """Wait until it is rung, at most so long."""
        self._rung.wait(timeout.total_seconds())
        self._rung.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often what is done."""

    relay_poll: timedelta = timedelta(milliseconds=250)
    commands: timedelta = timedelta(milliseconds=100)
    lanes: timedelta = timedelta(seconds=10)
    comparison: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What control is made of."""

    upgrade: Callable[[], None]
    prepare: Callable[[Admin], None]
    store: ControlStore
    admin: Admin
    topics: Topics
    relay: Relay
    board: Board
    positions: Positions
    disabling: Disabling
    lanes: Lanes
    comparison: Comparison
    server: Server
    bell: Bell
    clock: Clock
    log: Log
    asides: Sequence[Aside] = ()


class Control:
    """One step takes commands in and, when it is time, looks after lanes and compares."""

    def __init__(self, parts: Parts, *, pace: Pace | None = None) -> None:
        """Begin with nothing started."""
        self._parts, self._pace = parts, pace or Pace()
        self._due = {"lanes": 0.0, "comparison": float("inf"), "ping": 0.0}
        self._loops: Sequence[Loop] = ()
        self._aside_loops: Sequence[Loop] = ()
        self._serves = False
        self._pause = threading.Event()

    def start(self) -> None:
        """Bring the database up to date, answer, then connect; called again after Unavailable."""
        parts = self._parts
        parts.upgrade()
        if not self._serves:
            # Callers are answered also while Kafka is away: what they change is owed to it.
            parts.server.start()
            self._serves = True
        parts.prepare(parts.admin)
        parts.positions.start()
        parts.disabling.start()
        if not self._loops:
            self._loops = (
                Loop("relay", self._relay, log=parts.log),
                Loop("positions", parts.positions.step, log=parts.log),
            )
            for aside in parts.asides:
                aside.ring = parts.bell.ring
            self._aside_loops = tuple(
                Loop(aside.name, aside.step, log=parts.log) for aside in parts.asides
            )
            for loop in (*self._loops, *self._aside_loops):
                loop.start()
        self._due["comparison"] = parts.clock.monotonic() + self._pace.comparison.total_seconds()

    def step(self) -> None:
        """Take commands in; look after lanes and compare when it is time."""
        parts = self._parts
        self._pause.wait(self._pace.commands.total_seconds())
        for loop in (*self._loops, *self._aside_loops):
            if loop.failure is not None:
                raise loop.failure
        if parts.disabling.step():
            parts.bell.ring()
        if self._is_due("ping", timedelta(seconds=1)):
            parts.store.unpublished_count()
        if self._is_due("lanes", self._pace.lanes) and parts.lanes.step():
            parts.bell.ring()
        if self._is_due("comparison", self._pace.comparison) and self._compare():
            parts.bell.ring()

    def stop(self) -> None:
        """Answer what is asked, publish what is owed, let go."""
        parts = self._parts
        if self._serves:
            parts.server.stop()
        for loop in (*self._aside_loops, *self._loops):
            loop.stop(wake=parts.bell.ring)
        for aside in parts.asides:
            aside.close()
        try:
            parts.relay.close()
        except Unavailable as error:
            parts.log("relay.close_failed", level="warning", error=str(error))
        parts.disabling.close()
        parts.positions.close()
        parts.admin.close()
        parts.store.close()

    def not_ready(self) -> str | None:
        """Say what the relay or the positions wait for."""
        for loop in self._loops:
            if loop.trouble is not None:
                return loop.trouble
        return None

    def _relay(self) -> None:
        parts = self._parts
        while announced := parts.relay.publish():
            parts.board.announce(announced)
        parts.bell.wait(self._pace.relay_poll)

    def _compare(self) -> int:
        self._parts.store.forget_published(at=self._parts.clock.now())
        return self._parts.comparison.run()

    def _is_due(self, what: str, every: timedelta) -> bool:
        now = self._parts.clock.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every.total_seconds()
        return True
