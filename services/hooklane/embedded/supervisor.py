"""Keeps programs running: starts, watches, restarts and stops them.

Reads what they print. Writes it on, each line with its program's name. Promises: what dies is
started again after the delay that `restart` decides; a stop ends every program, by SIGTERM and
after its grace by SIGKILL; when the supervisor itself is killed, the kernel ends the programs
(leash.py). Programs run in sessions of their own, so that a terminal's Ctrl-C reaches only the
supervisor and the order of the stop is its to choose.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from hooklane.embedded.leash import leashed
from hooklane.embedded.probes import Probe
from hooklane.embedded.restart import Restarts

POLL_S = 0.05
CHUNK_BYTES = 64 * 1024
LINE_BYTES_MAX = 64 * 1024
REFUSED_TO_START = 2  # the exit code of a program that is misconfigured: trying again is no use

Say = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, how to ask whether it is ready, how long it may take to stop."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    ready: Probe
    grace: timedelta


@dataclass(slots=True, kw_only=True, eq=False)
class Supervised:
    """One program under supervision; `run` is its whole life."""

    program: Program
    say: Say
    changed: Callable[[], None]
    refusals: asyncio.Queue[str]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    child: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Start the program, and again whenever it ended, until it is to stop."""
        loop = asyncio.get_running_loop()
        restarts = Restarts()
        while not self.stopping.is_set():
            began = loop.time()
            exit_code = await self.once()
            if self.stopping.is_set():
                break
            if exit_code == REFUSED_TO_START:
                self.refusals.put_nowait(self.program.name)
            restarts = restarts.after(timedelta(seconds=loop.time() - began))
            wait = restarts.delay.total_seconds()
            self.say("up", f"{self.program.name} ended ({ended(exit_code)}), again in {wait:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), wait)

    async def once(self) -> int:
        """Run the program from its start to its end, passing its lines on."""
        # The kernel ties the child to the thread that starts it: this loop's, the main one.
        self.child = await asyncio.create_subprocess_exec(
            *leashed(self.program.command, parent=os.getpid()),
            env=dict(self.program.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Out of reach of Ctrl-C, and not in a session of its own: Linux shares the processor
            # out by session first (autogroup), and a nice value counts within one only.
            process_group=0,
        )
        if self.stopping.is_set():
            self.kill()  # the stop came while it was being started, and did not see it
        self.changed()
        assert self.child.stdout is not None, "it was asked for"
        await pass_on(self.child.stdout, lambda line: self.say(self.program.name, line))
        return await self.child.wait()

    async def stop(self) -> None:
        """End the program: SIGTERM, and SIGKILL after its grace."""
        self.stopping.set()
        child = self.child
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), self.program.grace.total_seconds())
        except TimeoutError:
            seconds = self.program.grace.total_seconds()
            self.say("up", f"{self.program.name} did not end within {seconds:g} s; it is killed")
            self.kill()
            await child.wait()

    def kill(self) -> None:
        """End the program at once."""
        if self.child is not None and self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.child.kill()


class Supervisor:
    """All the programs of one stack."""

    def __init__(self, say: Say, changed: Callable[[], None]) -> None:
        self._say = say
        self._changed = changed
        self.refusals: asyncio.Queue[str] = asyncio.Queue()
        self._all: dict[str, Supervised] = {}
        self._lives: set[asyncio.Task[None]] = set()

    def start(self, programs: Iterable[Program]) -> None:
        """Start programs, and keep them running."""
        for program in programs:
            supervised = Supervised(
                program=program, say=self._say, changed=self._changed, refusals=self.refusals
            )
            self._all[program.name] = supervised
            self._lives.add(asyncio.create_task(supervised.run(), name=program.name))

    @property
    def pids(self) -> dict[str, int]:
        """The programs that run now."""
        return {
            name: supervised.child.pid
            for name, supervised in self._all.items()
            if supervised.child is not None and supervised.child.returncode is None
        }

    async def all_ready(self, names: Iterable[str]) -> None:
        """Return once each of the programs has answered that it is ready."""
        for name in names:
            while not await self._all[name].program.ready():  # noqa: ASYNC110  an outside program
                await asyncio.sleep(POLL_S)

    async def stop(self, names: Iterable[str]) -> None:
        """End some of the programs, side by side."""
        chosen = [self._all[name] for name in names if name in self._all]
        await asyncio.gather(*(supervised.stop() for supervised in chosen))

    async def stop_all(self, order: Iterable[Iterable[str]]) -> None:
        """End the programs group by group, then wait for their last lines."""
        for names in order:
            await self.stop(names)
        await asyncio.gather(*self._lives)

    def kill_all(self) -> None:
        """End every program at once."""
        for supervised in self._all.values():
            supervised.stopping.set()
            supervised.kill()


def ended(exit_code: int) -> str:
    """Say in words how a program ended."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"


async def pass_on(stream: asyncio.StreamReader, say: Callable[[str], None]) -> None:
    """Pass a stream on line by line to its end; a line beyond the limit is passed in parts."""
    rest = b""
    while chunk := await stream.read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            lines, rest = [*lines, rest], b""
        for line in lines:
            say(line.decode(errors="replace").rstrip("\r"))
    if rest:
        say(rest.decode(errors="replace"))
