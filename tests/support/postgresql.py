"""A PostgreSQL cluster of our own, for tests and benchmarks: on a socket in its own directory only.

Its programs come from Debian (`apt-get install postgresql`) or from PATH.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
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


@contextmanager
def cluster(*, settings=()):
    """Run one and give its URL; what is in it goes with it.

    Raises:
        Missing: it is not installed.
    """
    folder, who = programs(), account()
    home = Path(tempfile.mkdtemp(prefix="hooklane-pg-", dir="/tmp"))
    if who:
        os.chown(home, who["user"], who["group"])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home}
    place = home / "cluster"
    made = (folder / "initdb", "-D", place, "-U", "hooklane", "--auth=trust", "-E", "UTF8", "-N")
    control = (folder / "pg_ctl", "-D", place, "-w", "-l", home / "log")
    ours = (f"-k {home}", "-c listen_addresses=", "-c fsync=off", *(f"-c {s}" for s in settings))
    try:
        subprocess.run(made, check=True, **quiet, **who)
        subprocess.run((*control, "-o", " ".join(ours), "start"), check=True, **quiet, **who)
        try:
            yield f"postgresql://hooklane@/postgres?host={home}"
        finally:
            subprocess.run((*control, "-m", "fast", "stop"), check=True, **quiet, **who)
    finally:
        shutil.rmtree(home, ignore_errors=True)
