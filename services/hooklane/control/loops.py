"""A thread that repeats one step, backs off while something is unavailable, ends on all else."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hooklane.adapters.log import Log, no_log
from hooklane.domain.errors import Unavailable

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
JOIN_S = 10.0


class Loop:
    """Repeats `step` on a thread of its own until told to stop.

    `trouble` says what it is waiting for; `failure` is what ended it, for the worker to raise.
    """

    def __init__(self, name: str, step: Callable[[], None], *, log: Log = no_log) -> None:
        """Make the thread; `start` begins."""
        self._name, self._step, self._log = name, step, log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.trouble: str | None = None
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, wake: Callable[[], None] | None = None) -> None:
        """End after the present step; `wake` ends its waiting."""
        self._stop.set()
        if wake is not None:
            wake()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        backoff = BACKOFF_FIRST_S
        while not self._stop.is_set():
            try:
                self._step()
                if self.trouble is not None:
                    self._log("loop.recovered", loop=self._name)
                self.trouble, backoff = None, BACKOFF_FIRST_S
            except Unavailable as error:
                self.trouble = str(error)
                self._log("loop.waited", level="warning", loop=self._name, error=str(error))
                self._stop.wait(backoff)
                backoff = min(backoff * 2, BACKOFF_MAX_S)
            except Exception as error:  # the worker's next step raises it on the main thread
                self.failure = error
                return
