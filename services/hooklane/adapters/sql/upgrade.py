"""Brings a database to the newest schema, and asks whether it has it.

Control does this at its start, and whoever opens a database of its own; several at once take turns.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.sql import search
from hooklane.adapters.sql.engine import reading, writing
from hooklane.domain.errors import Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
# Any constant will do, as long as all who migrate use the same.
_TURN = 7_209_316_211


def upgrade(engine: Engine, *, log: Log = no_log) -> None:
    """Run the migrations that the database lacks, in one transaction; prepare payload search.

    Raises:
        Unavailable: the database can't be reached.
    """
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        search.prepare(connection, log=log)


def check(engine: Engine) -> None:
    """Make sure that the schema is the one this release knows.

    Raises:
        Unavailable: it is older or newer, or the database can't be reached.
    """
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != newest:
        raise Unavailable(f"database schema is {found or 'absent'}, not {newest}: control makes it")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
