"""The supervisor and the leash, on small real programs."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta

from hooklane.embedded.leash import PARENT_IS_GONE, leashed
from hooklane.embedded.supervisor import Program, Supervisor
from support.stack import is_alive, wait_until

FOREVER = "import time; print('started', flush=True); time.sleep(600)"
POLITE = f"""
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))
{FOREVER}
"""
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}"


def a_program(name: str, code: str, *, grace_s: float = 10.0) -> Program:
    async def ready() -> bool:
        return True

    return Program(
        name=name,
        command=(sys.executable, "-c", code),
        environ=dict(os.environ),
        ready=ready,
        grace=timedelta(seconds=grace_s),
    )


class Lines:
    """What was said, to be waited for."""

    def __init__(self):
        self.said = []

    def __call__(self, name, line):
        self.said.append((name, line))

    async def wait_for(self, name, text, *, times=1):
        async with asyncio.timeout(20):
            while sum(text in line for who, line in self.said if who == name) < times:  # noqa: ASYNC110  a program's lines
                await asyncio.sleep(0.01)


def test_what_dies_is_started_again_and_its_new_pid_is_told():
    """A crash costs a program a moment, not the stack."""

    async def story():
        lines, changes = Lines(), []
        supervisor = Supervisor(lines, lambda: changes.append(None))
        supervisor.start([a_program("one", FOREVER)])
        await lines.wait_for("one", "started")
        first = supervisor.pids["one"]
        os.kill(first, signal.SIGKILL)
        await lines.wait_for("one", "started", times=2)
        second = supervisor.pids["one"]
        await supervisor.stop_all([("one",)])
        return first, second, len(changes), lines.said

    first, second, changes, said = asyncio.run(story())
    assert first != second
    assert changes == 2
    assert ("up", "one ended (SIGKILL), again in 0.2 s") in said
    assert not is_alive(second)


def test_programs_stop_in_the_order_that_is_asked_for():
    """Services go before the broker they still have to commit to."""

    async def story():
        lines = Lines()
        supervisor = Supervisor(lines, lambda: None)
        supervisor.start([a_program("broker", POLITE), a_program("service", POLITE)])
        await lines.wait_for("broker", "started")
        await lines.wait_for("service", "started")
        await supervisor.stop_all([("service",), ("broker",)])
        return [name for name, line in lines.said if line == "bye"]

    assert asyncio.run(story()) == ["service", "broker"]


def test_a_program_deaf_to_sigterm_is_killed_after_its_grace():
    """A stop always ends."""

    async def story():
        lines = Lines()
        supervisor = Supervisor(lines, lambda: None)
        supervisor.start([a_program("deaf", DEAF, grace_s=0.3)])
        await lines.wait_for("deaf", "started")
        pid = supervisor.pids["deaf"]
        await supervisor.stop_all([("deaf",)])
        return pid, lines.said

    pid, said = asyncio.run(story())
    assert not is_alive(pid)
    assert ("up", "deaf did not end within 0.3 s; it is killed") in said


def test_a_program_that_refuses_to_start_is_named():
    """Exit code 2 means that trying again is no use."""

    async def story():
        supervisor = Supervisor(Lines(), lambda: None)
        supervisor.start([a_program("wrong", "raise SystemExit(2)")])
        async with asyncio.timeout(20):
            name = await supervisor.refusals.get()
        await supervisor.stop_all([("wrong",)])
        return name

    assert asyncio.run(story()) == "wrong"


def test_a_leashed_child_dies_with_its_parent():
    """SIGKILL of the parent leaves no orphan."""
    code = f"""
import os, subprocess, sys, time
from hooklane.embedded.leash import leashed
command = leashed((sys.executable, "-c", {FOREVER!r}), parent=os.getpid())
child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    wait_until(lambda: not is_alive(child), within_s=5, what="the child's end")


def test_a_child_whose_parent_is_gone_already_does_not_start():
    """Between fork and prctl the parent may end unseen; the child notices."""
    done = subprocess.run(
        leashed((sys.executable, "-c", "print('started')"), parent=1),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (PARENT_IS_GONE, b"")
