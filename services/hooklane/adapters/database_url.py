"""A database's URL as a setting: printed without its password."""

from __future__ import annotations

import re

from pydantic import Secret

_PASSWORD = re.compile(r"(://[^:/@]*):[^@]*@")


class DatabaseUrl(Secret[str]):
    """An SQLAlchemy URL."""

    def _display(self) -> str:
        return _PASSWORD.sub(r"\1:…@", self.get_secret_value())
