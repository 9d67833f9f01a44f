"""The command line that ties a child to its parent."""

import sys

from hooklane.embedded import leash


def test_the_command_follows_the_parents_pid():
    """The leash is told whose life counts, then what to become."""
    found = leash.leashed(("program", "--option"), parent=42)
    assert (sys.executable, "-I", "-S", leash.__file__, "42", "program", "--option") == found
