"""What the tidy tests let pass, by law, by name, with its reason. This list only shrinks.

A row that no longer excuses anything fails the test of its law.
"""

from collections.abc import Iterable, Mapping

import pytest

BACKEND = "services/hooklane/adapters/http/guarded_backend.py"

EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "arrows": {},
    "file length": {},
    "function length": {},
    "parameters": {
        f"{BACKEND}: GuardedBackend.connect_tcp": "httpcore's signature",
        f"{BACKEND}: WatchedStream.start_tls": "httpcore's signature",
    },
    "words": {
        f"{BACKEND}: get_extra_info": "httpcore's name",
        f"{BACKEND}: get_extra_info(info)": "httpcore's name",
        "services/hooklane/adapters/process.py: process": "an operating system's process",
        "services/hooklane/adapters/settings.py: ProcessSettings": "the same",
        "services/hooklane/domain/topics.py: transactional_id(process)": "the same",
    },
    "clock": {
        "services/hooklane/receiver/verify.py": "receivers copy this one file; `now` is injectable",
    },
    "sleep": {},
    "docstrings": {},
    "mirror": {
        "services/hooklane/receiver/connection.py": "sockets: tests/contract/receiver",
    },
    "references": {},
}


def hold(law: str, found: Iterable[str]) -> None:
    """Fail with all that breaks a law and is not excused, or is excused and breaks nothing."""
    excused, broken = set(EXCEPTIONS[law]), set(found)
    stale = (f"no longer needed in exceptions.py: {name}" for name in excused - broken)
    wrong = sorted([*(broken - excused), *stale])
    if wrong:
        pytest.fail(f"{len(wrong)} break «{law}»:\n  " + "\n  ".join(wrong), pytrace=False)
