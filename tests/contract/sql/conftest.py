"""One suite on both databases: an SQLite file, and a PostgreSQL cluster that the tests start.

Where PostgreSQL is not installed its half is skipped and says so.
"""

import pytest

from hooklane.adapters.sql.engine import connect, writing
from hooklane.adapters.sql.tables import metadata
from hooklane.adapters.sql.upgrade import upgrade
from support.postgresql import Missing, cluster


@pytest.fixture(scope="session")
def postgresql():
    """A cluster of our own; gives its URL."""
    try:
        with cluster() as url:
            yield url
    except Missing as missing:
        pytest.skip(str(missing))


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
