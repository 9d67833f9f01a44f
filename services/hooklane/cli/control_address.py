"""Where the control API is: from the environment, else from the ready file of `hooklane up`.

HOOKLANE_API and HOOKLANE_API_KEY name it; HOOKLANE_READY_FILE names another ready file than
.hooklane/ready.json.
"""

import json
import os
from pathlib import Path

from hooklane.domain.errors import Misconfigured

READY_FILE = Path(".hooklane/ready.json")
VARIABLES = {
    "api": "HOOKLANE_API",
    "api_key": "HOOKLANE_API_KEY",
}


def address(name: str) -> str:
    """Give one of VARIABLES' addresses.

    Raises:
        Misconfigured: neither the environment nor a ready file has it.
    """
    variable = VARIABLES[name]
    if given := os.environ.get(variable):
        return given
    path = Path(os.environ.get("HOOKLANE_READY_FILE", READY_FILE))
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError, AttributeError):
        found = None
    if not isinstance(found, str):
        raise Misconfigured(f"set {variable}, or run where `hooklane up` keeps {path}")
    return found
