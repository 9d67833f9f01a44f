"""What the tidy tests let pass, by law, by name, with its reason. This list only shrinks.

A row that no longer excuses anything fails the test of its law.
"""

from collections.abc import Iterable, Mapping

EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "arrows": {},
    "file length": {},
    "function length": {},
    "parameters": {},
    "words": {
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


def unexcused(law: str, found: Iterable[str]) -> list[str]:
    """Give what breaks a law and is not excused, and what is excused and breaks nothing."""
    excused, broken = set(EXCEPTIONS[law]), set(found)
    stale = (f"no longer needed in exceptions.py: {name}" for name in excused - broken)
    return sorted([*(broken - excused), *stale])
