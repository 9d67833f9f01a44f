"""Writes artefacts.lock anew: run `python -m hooklane.embedded.pinning` after changing ROOTS.

Reads Maven repositories through jgo: what ROOTS name and, for jars, all they need at run time.
Promises: the same versions give the same file, line for line. A person reads the difference
before it is committed: from then on these digests are what is trusted.
"""

import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jgo.maven import MavenContext

from hooklane.embedded.artefacts import LOCK, PARALLEL_DOWNLOADS, TIMEOUT_S

# (program, group:artifact:packaging:version[:classifier], with what it needs?)
ROOTS = (
    ("kafka", "org.apache.kafka:kafka_2.13:jar:4.4.0", True),
    ("kafka", "org.slf4j:slf4j-simple:jar:1.7.36", False),
    ("registry", "io.apicurio:apicurio-registry-app:tar.gz:3.3.3:all", False),
)
HEADER = """\
# Every artefact the embedded stack runs, fetched from Maven repositories and refused unless its
# SHA-256 is this one. Written by: python -m hooklane.embedded.pinning
# program  sha256  bytes  group:artifact:packaging:version[:classifier]
"""


def main() -> None:
    """Resolve, download and write the lock file."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=TIMEOUT_S)
        wanted = [
            (program, artefact)
            for program, coordinate, with_needs in ROOTS
            for artefact in resolved(context, coordinate, with_needs=with_needs)
        ]
        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            lines = sorted(pool.map(lambda each: line(*each), wanted), key=by_coordinate)
    LOCK.write_text(HEADER + "".join(f"{each}\n" for each in lines))


def resolved(context: MavenContext, coordinate: str, *, with_needs: bool) -> list[Any]:
    """Give an artefact and, if asked, all that it needs at run time."""
    group, name, packaging, version, *classifier = coordinate.split(":")
    component = context.project(group, name).at_version(version)
    artefact = component.artifact(
        classifier=classifier[0] if classifier else "", packaging=packaging
    )
    if not with_needs:
        return [artefact]
    root = context.create_dependency(f"{group}:{name}:{version}")
    _, nodes = context.resolver.get_dependency_list([root])
    return [artefact, *(node.dep.artifact for node in nodes)]


def line(program: str, artefact: Any) -> str:
    """Give an artefact's line in the lock file."""
    content = Path(artefact.resolve()).read_bytes()
    parts = (artefact.groupId, artefact.artifactId, artefact.packaging, artefact.version)
    coordinate = ":".join((*parts, *([artefact.classifier] if artefact.classifier else [])))
    return f"{program} {hashlib.sha256(content).hexdigest()} {len(content)} {coordinate}"


def by_coordinate(text: str) -> tuple[str, str]:
    """Order lines by program and coordinate."""
    program, _, _, coordinate = text.split()
    return program, coordinate


if __name__ == "__main__":
    main()
