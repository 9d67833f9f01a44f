"""How the poll thread reaches the loop thread: calls, in batches, one wake-up each.

`LoopThread` is the real one: an event loop on a thread of its own, and the sender that lives there.
A simulation passes `SameThread`, where a call happens at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Protocol

from hooklane.adapters.http.port import Sender
from hooklane.adapters.log import Log, no_log

_STOP_TIMEOUT_S = 10.0


class Crossing(Protocol):
    """The way to the loop's side."""

    def start(self) -> Sender:
        """Make the other side ready; give its sender."""

    def call(self, function: Callable[..., None], *arguments: Any, **named: Any) -> None:
        """Have the other side call this, in the order of the calls; returns at once."""

    def check(self) -> None:
        """Raise what one of the calls raised: a bug, and the end of the process."""

    def stop(self) -> None:
        """End the sender and the other side."""


class SameThread:
    """Both sides on one thread: for simulations."""

    def __init__(self, sender: Sender) -> None:
        """Keep the sender."""
        self._sender = sender

    def start(self) -> Sender:
        """Give the sender."""
        return self._sender

    def call(self, function: Callable[..., None], *arguments: Any, **named: Any) -> None:
        """Call at once."""
        function(*arguments, **named)

    def check(self) -> None:
        """Find nothing: what a call raised was raised."""

    def stop(self) -> None:
        """Do nothing."""


class LoopThread:
    """An event loop on its own thread.

    Args:
        new_loop: makes it (uvloop's, or asyncio's own).
        make_sender: makes the sender, on the loop.
    """

    def __init__(
        self,
        new_loop: Callable[[], asyncio.AbstractEventLoop],
        make_sender: Callable[[], Sender],
        *,
        log: Log = no_log,
    ) -> None:
        """Begin without a thread."""
        self._new_loop, self._make_sender, self._log = new_loop, make_sender, log
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sender: Sender | None = None
        self._fault: BaseException | None = None

    def start(self) -> Sender:
        """Start the thread and make the sender; once."""
        if self._sender is None:
            loop = self._loop = self._new_loop()
            loop.set_exception_handler(self._report)
            self._thread = threading.Thread(target=self._run, name="loop", daemon=True)
            self._thread.start()
            future = asyncio.run_coroutine_threadsafe(self._prepare(), loop)
            self._sender = future.result()
        return self._sender

    def call(self, function: Callable[..., None], *arguments: Any, **named: Any) -> None:
        """Call on the loop, soon."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._guarded, function, arguments, named)

    def check(self) -> None:
        """Raise what a call raised."""
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """Close the sender, end the loop and its thread."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        if self._sender is not None:
            asyncio.run_coroutine_threadsafe(self._sender.close(), loop).result(_STOP_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_STOP_TIMEOUT_S)
        self._loop = self._thread = self._sender = None

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _prepare(self) -> Sender:
        return self._make_sender()

    def _guarded(
        self, function: Callable[..., None], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        try:
            function(*arguments, **named)
        except BaseException as error:  # the poll thread ends the process with it
            self._fault = error

    def _report(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # Connection-level oddities end up here too: they cost an attempt, never the process.
        self._log(
            "loop.failed",
            level="error",
            text=str(context.get("message")),
            error=repr(context.get("exception")),
        )
