"""Where a command finds Kafka and the registry.

A running stack's ready file says it: `--dir DIR` names its directory, HOOKLANE_READY_FILE the file,
else it is `.hooklane/ready.json`. Where there is none, or the environment names an address itself,
the settings count (`HOOKLANE_KAFKA_…`, `HOOKLANE_REGISTRY_…`).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from hooklane.adapters.settings import KafkaSettings, RegistrySettings, load
from hooklane.domain.errors import Misconfigured

READY_FILE = "ready.json"
DEFAULT_DIRECTORY = Path(".hooklane")

dir_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory of a running `hooklane up`.  [default: .hooklane, if one runs there]",
)


def ready(directory: Path | None = None) -> Mapping[str, Any]:
    """Read a running stack's ready file; empty where none runs in the default directory.

    Raises:
        Misconfigured: the named directory has no readable ready file.
    """
    path = (directory or DEFAULT_DIRECTORY) / READY_FILE
    if directory is None:
        path = Path(os.environ.get("HOOKLANE_READY_FILE", path))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if directory is None:
            return {}
        raise Misconfigured(f"{path} is not there: no `hooklane up` runs in {directory}") from None
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} can't be read: {error}") from None
    if not isinstance(found, dict):
        raise Misconfigured(f"{path} is no ready file")
    return found


def kafka_settings(directory: Path | None = None) -> KafkaSettings:
    """Give the brokers' settings."""
    told = _told(directory, {"HOOKLANE_KAFKA_BOOTSTRAP": ("bootstrap", "kafka")})
    # A stack that was named is one machine's: its broker is alone.
    if told and "HOOKLANE_KAFKA_REPLICATION" not in os.environ:
        told["replication"] = 1
    return load(KafkaSettings).model_copy(update=told)


def registry_settings(directory: Path | None = None) -> RegistrySettings:
    """Give the registry's settings."""
    told = _told(directory, {"HOOKLANE_REGISTRY_URL": ("url", "registry")})
    return load(RegistrySettings).model_copy(update=told)


def _told(directory: Path | None, names: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    # A directory that was named wins over the environment, the default one does not.
    known = ready(directory)
    return {
        field: str(known[entry])
        for variable, (field, entry) in names.items()
        if known.get(entry) and (directory is not None or variable not in os.environ)
    }
