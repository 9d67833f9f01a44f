"""How the lock file is written."""

from hooklane.embedded import pinning
from hooklane.embedded.artefacts import LOCK, parse_lock


def test_the_lock_file_holds_every_root():
    """What the stack names is pinned, at the version it names."""
    pinned = {
        (pin.program, f"{pin.group}:{pin.name}:{pin.packaging}:{pin.version}")
        for pin in parse_lock(LOCK.read_text())
    }
    roots = {(program, ":".join(name.split(":")[:4])) for program, name, _ in pinning.ROOTS}
    assert roots <= pinned


def test_the_lock_file_is_in_the_order_it_is_written_in():
    """The same versions give the same file, line for line."""
    text = LOCK.read_text()
    assert text.startswith(pinning.HEADER)
    lines = text[len(pinning.HEADER) :].splitlines()
    assert sorted(lines, key=pinning.by_coordinate) == lines
