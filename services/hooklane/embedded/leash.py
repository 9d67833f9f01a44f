"""Ties a child to the life of its parent, then becomes the child.

Run by path as `python -I -S leash.py PARENT_PID COMMAND…`, so that it starts in milliseconds and
imports nothing of Hooklane. Promises: when the parent's starting thread ends, however it ends,
the kernel sends the child SIGKILL; a parent that ended before that was arranged is noticed.
On systems without prctl (it is Linux's) the child runs untied.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PARENT_IS_GONE = 3


def main(argv: list[str]) -> int:
    """Arrange the tie and replace this program by the command."""
    parent, command = int(argv[1]), argv[2:]
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            sys.stderr.write(f"prctl failed: {os.strerror(ctypes.get_errno())}\n")
            return 1
    # Between fork and prctl the parent may have ended unseen: then another one adopted us.
    if os.getppid() != parent:
        return PARENT_IS_GONE
    try:
        os.execvp(command[0], command)  # noqa: S606  becoming the command is the purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return 127


def leashed(command: tuple[str, ...], *, parent: int) -> tuple[str, ...]:
    """Give the command line that runs a command tied to the life of `parent`."""
    return (sys.executable, "-I", "-S", __file__, str(parent), *command)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
