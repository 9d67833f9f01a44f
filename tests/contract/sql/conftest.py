"""One suite on both databases: an SQLite file, and a PostgreSQL cluster that the tests start.

PostgreSQL's programs come from Debian (`apt-get install postgresql`) or from PATH; without them its
half is skipped and says so. The cluster listens on a socket in its own directory only.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from hooklane.adapters.sql.engine import connect, writing
from hooklane.adapters.sql.tables import metadata
from hooklane.adapters.sql.upgrade import upgrade

INSTALL = "PostgreSQL's server is not installed: apt-get install postgresql (Debian, Ubuntu)"


def programs():
    """Give the folder of initdb and postgres, the newest that is there."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    if known:
        return known[-1]
    found = shutil.which("postgres")
    return Path(found).parent if found else None


def account():
    """Give who runs it: never root, PostgreSQL refuses that."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgresql():
    """A cluster of our own; gives its URL."""
    folder = programs()
    if folder is None or not (folder / "initdb").exists():
        pytest.skip(INSTALL)
    home = Path(tempfile.mkdtemp(prefix="hooklane-pg-", dir="/tmp"))
    who = account()
    if who:
        os.chown(home, who["user"], who["group"])
    try:
        yield from run(folder, home, who)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run(folder, home, who):
    place = home / "cluster"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home}
    made = (folder / "initdb", "-D", place, "-U", "hooklane", "--auth=trust", "-E", "UTF8", "-N")
    subprocess.run(made, check=True, **quiet, **who)
    only_here = f"-k {home} -c listen_addresses= -c fsync=off"
    control = (folder / "pg_ctl", "-D", place, "-w", "-l", home / "log")
    subprocess.run((*control, "-o", only_here, "start"), check=True, **quiet, **who)
    try:
        yield f"postgresql://hooklane@/postgres?host={home}"
    finally:
        subprocess.run((*control, "-m", "fast", "stop"), check=True, **quiet, **who)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/contract.db"
    return request.getfixturevalue("postgresql")


@pytest.fixture
def empty(url):
    """An engine on a database without our tables."""
    engine = connect(url)
    with writing(engine) as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty):
    upgrade(empty)
    return empty
