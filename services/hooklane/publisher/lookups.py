"""Looks event types up for many requests at once: off the loop, each only once, bounded."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from datetime import timedelta

from hooklane.adapters.ports import Clock
from hooklane.domain.errors import BrokenContract, HooklaneError, Refused, Unavailable
from hooklane.publisher.catalogue import Catalogue, Ready

# Long enough that a flood of a wrong name asks the registry once; a new type is there at once.
REFUSED_FOR_S = 1.0
REFUSED_MAX = 1_000

Key = tuple[str, int | None]


class Lookups:
    """Asks the catalogue from a loop; the executor has one thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        executor: Executor,
        *,
        clock: Clock,
        at_once_max: int,
        within: timedelta,
    ) -> None:
        """Begin."""
        self._catalogue, self._executor, self._clock = catalogue, executor, clock
        self._at_once_max, self._within = at_once_max, within
        self._asking: dict[Key, asyncio.Future[Ready]] = {}
        self._refused: dict[Key, tuple[HooklaneError, float]] = {}

    async def ready(self, event_type: str, version: int | None) -> Ready:
        """Give a type's schema.

        Raises:
            Refused: there is no such type, version or topic.
            BrokenContract: the registry has something else under its name.
            Unavailable: it is not known, and registry or Kafka can't be asked now.
        """
        fresh = self._catalogue.fresh(event_type, version)
        if fresh is not None:
            return fresh
        key = (event_type, version)
        self._refuse_again(key)
        asking = self._asking.get(key)
        if asking is None:
            if len(self._asking) >= self._at_once_max:
                raise Unavailable("too many event types are being looked up")
            asking = self._ask(key)
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                # Others may wait for it too.
                return await asyncio.shield(asking)
        except TimeoutError:
            raise Unavailable(f"event type {event_type}: the registry does not answer") from None

    def _ask(self, key: Key) -> asyncio.Future[Ready]:
        loop = asyncio.get_running_loop()
        asking = loop.run_in_executor(self._executor, self._catalogue.find, *key)
        self._asking[key] = asking
        asking.add_done_callback(lambda done: self._answered(key, done))
        return asking

    def _answered(self, key: Key, done: asyncio.Future[Ready]) -> None:
        self._asking.pop(key, None)
        error = None if done.cancelled() else done.exception()
        if isinstance(error, (Refused, BrokenContract)):
            if len(self._refused) >= REFUSED_MAX:
                self._refused.clear()
            self._refused[key] = (error, self._clock.monotonic() + REFUSED_FOR_S)

    def _refuse_again(self, key: Key) -> None:
        error, until = self._refused.get(key, (None, 0.0))
        if error is None:
            return
        if self._clock.monotonic() < until:
            raise error
        del self._refused[key]
