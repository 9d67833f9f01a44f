"""A PostgreSQL cluster of our own, for tests and benchmarks: on a socket in its own directory only.

Its programs come from Debian (`apt-get install postgresql`) or from PATH.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

INSTALL = "PostgreSQL's server is not installed: apt-get install postgresql (Debian, Ubuntu)"


class Missing(Exception):
    """PostgreSQL can't be run here; the text says what to do."""


def programs():
    """Give the folder of initdb and postgres, the newest that is there."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    if known:
        return known[-1]
    found = shutil.which("postgres")
    if found is None or not Path(found).with_name("initdb").exists():
        raise Missing(INSTALL)
    return Path(found).parent


def account():
    """Give who runs it: never root, PostgreSQL refuses that."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        raise Missing("PostgreSQL does not run as root, and there is no user postgres") from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Server:
    """One cluster in a directory of its own, started and stopped at will."""

    def __init__(self, *, settings=()):
        """Make it, without starting it.

        Raises:
            Missing: it is not installed.
        """
        self._folder, self._who = programs(), account()
        self._home = home = Path(tempfile.mkdtemp(prefix="hooklane-pg-", dir="/tmp"))
        if self._who:
            os.chown(home, self._who["user"], self._who["group"])
        self.url = f"postgresql://hooklane@/postgres?host={home}"
        quick = (f"-k {home}", "-c listen_addresses=", "-c fsync=off")
        self._options = " ".join((*quick, *(f"-c {setting}" for setting in settings)))
        self._run("initdb", "-D", home / "cluster", "-U", "hooklane", "--auth=trust", "-E", "UTF8",
                  "-N")  # fmt: skip

    def start(self):
        self._control("-l", self._home / "log", "-o", self._options, "start")

    def stop(self):
        """End it at once, whoever is connected."""
        self._control("-m", "fast", "stop")

    def remove(self):
        shutil.rmtree(self._home, ignore_errors=True)

    def _control(self, *words):
        self._run("pg_ctl", "-D", self._home / "cluster", "-w", *words)

    def _run(self, program, *words):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self._home}
        subprocess.run((self._folder / program, *words), check=True, **quiet, **self._who)


@contextmanager
def server(*, settings=()):
    """Run one that may be stopped and started; what is in it goes with it.

    Raises:
        Missing: it is not installed.
    """
    made = Server(settings=settings)
    try:
        made.start()
        try:
            yield made
        finally:
            # A test that failed may have left it stopped.
            with suppress(subprocess.CalledProcessError):
                made.stop()
    finally:
        made.remove()


@contextmanager
def cluster(*, settings=()):
    """Run one and give its URL.

    Raises:
        Missing: it is not installed.
    """
    with server(settings=settings) as made:
        yield made.url
