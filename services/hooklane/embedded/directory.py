"""The state directory of one embedded stack: what is in it, and whose it is.

Writes below the directory only; secrets are readable by their owner alone. Promises: one stack at
a time holds it, for as long as that stack's supervisor lives; what was drawn once (cluster id, API
key, sealing key) is the same at every later start.
"""

import base64
import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hooklane.domain.errors import Conflict, Misconfigured
from hooklane.embedded.kafka import new_cluster_id


@dataclass(frozen=True, slots=True)
class Directory:
    """The paths of one stack's state."""

    root: Path

    @property
    def kafka(self) -> Path:
        """The broker's configuration and records."""
        return self.root / "kafka"

    @property
    def registry(self) -> Path:
        """The registry's schemas."""
        return self.root / "registry"

    @property
    def database_url(self) -> str:
        """The SQLite file's address, in SQLAlchemy's form."""
        return f"sqlite:///{self.root / 'hooklane.db'}"

    def cluster_id(self) -> str:
        """Give the Kafka cluster's id, drawn at the first start."""
        return kept(self.root / "cluster-id", new_cluster_id)

    def api_key(self) -> str:
        """Give the control API's key, drawn at the first start."""
        return kept(self.root / "api-key", lambda: f"hlk_{secrets.token_urlsafe(32)}")

    def sealing_keys(self) -> str:
        """Give the keys that endpoint secrets are sealed with, drawn at the first start."""
        return kept(self.root / "sealing-keys", new_sealing_keys)


def new_sealing_keys() -> str:
    """Draw one sealing key in the form the settings want: an id and 32 bytes in base64."""
    return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def kept(path: Path, draw: Callable[[], str]) -> str:
    """Read a drawn text, or draw it and keep it for its owner's eyes; never half of it."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    text = draw()
    write_whole(path, f"{text}\n")
    return text


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears at once and whole, readable by its owner alone."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123  pathlib cannot open with a mode
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


@contextmanager
def held(root: Path) -> Iterator[Directory]:
    """Hold a state directory, made if need be, until the block or the whole program ends.

    Raises:
        Conflict: another stack holds it.
        Misconfigured: it cannot be made or written.
    """
    root = root.expanduser().resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / "lock").open("w")
    except OSError as error:
        raise Misconfigured(f"the directory {root} cannot be used: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"the directory {root} is in use by another `hooklane up`") from None
        yield Directory(root)
