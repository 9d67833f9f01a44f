"""The programs the embedded stack runs, fetched once and pinned byte for byte.

Reads `artefacts.lock` beside this file and, on the first use of a program, Maven repositories
through jgo. Writes `<cache>/<program>-<digest of its pins>`. Promises: such a folder appears at
once and whole, after every artefact matched its SHA-256; two first uses at the same time are safe
(the second waits and finds it); once the folder is there nothing touches the network.
"""

import fcntl
import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hooklane.domain.errors import Misconfigured, Unavailable

LOCK = Path(__file__).with_name("artefacts.lock")
PARALLEL_DOWNLOADS = 8
TRIES = 3
TIMEOUT_S = 60

# jgo's shape: called with a file name and its bytes, yields a function told of each chunk's bytes.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One artefact: which program needs it, where it comes from, what it must be."""

    program: str
    sha256: str
    size_bytes: int
    group: str
    name: str
    packaging: str
    version: str
    classifier: str

    @property
    def filename(self) -> str:
        """The artefact's file name in a Maven repository."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.packaging}"


def parse_lock(text: str) -> tuple[Pin, ...]:
    """Read the lock file's lines; comments and empty lines say nothing."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(parse_pin(line) for line in lines if line and not line.startswith("#"))


def parse_pin(line: str) -> Pin:
    """Read one line of the lock file."""
    program, sha256, size, coordinate = line.split()
    group, name, packaging, version, *classifier = coordinate.split(":")
    return Pin(
        program=program,
        sha256=sha256,
        size_bytes=int(size),
        group=group,
        name=name,
        packaging=packaging,
        version=version,
        classifier=classifier[0] if classifier else "",
    )


def pins_of(program: str) -> tuple[Pin, ...]:
    """Give the pins of one program, in the order of the lock file."""
    return tuple(pin for pin in parse_lock(LOCK.read_text()) if pin.program == program)


def digest(pins: tuple[Pin, ...]) -> str:
    """Name a set of pins by what is in it, so that another set gets another folder."""
    return hashlib.sha256("\n".join(pin.sha256 for pin in pins).encode()).hexdigest()[:16]


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Give the folder of fetched programs: HOOKLANE_CACHE, else the XDG cache's `hooklane`."""
    if chosen := environ.get("HOOKLANE_CACHE"):
        return Path(chosen).expanduser().resolve()
    base = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "hooklane"


def folder(program: str, cache: Path) -> Path:
    """Say where a program lies once it was fetched."""
    return cache / f"{program}-{digest(pins_of(program))}"


def missing(programs: tuple[str, ...], cache: Path) -> tuple[str, ...]:
    """Tell which of the programs still have to be fetched."""
    return tuple(program for program in programs if not folder(program, cache).is_dir())


def bytes_of(programs: tuple[str, ...]) -> int:
    """Add up what fetching the programs downloads."""
    return sum(pin.size_bytes for program in programs for pin in pins_of(program))


def ensure(program: str, cache: Path, *, progress: Progress | None = None) -> Path:
    """Fetch a program unless it is there, and give its folder.

    Raises:
        Misconfigured: an artefact is not the pinned one, or the cache cannot be written.
        Unavailable: an artefact could not be downloaded.
    """
    target = folder(program, cache)
    if target.is_dir():
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with alone(cache / f"{program}.lock"):
            if not target.is_dir():
                for left in cache.glob(f".{program}-*"):  # by a fetch that was killed
                    shutil.rmtree(left, ignore_errors=True)
                fetch(pins_of(program), target, progress=progress)
    except OSError as error:
        raise Misconfigured(f"the cache {cache} cannot be written: {error}") from error
    return target


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process is inside; its end, however it comes, lets the next one in."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch(pins: tuple[Pin, ...], target: Path, *, progress: Progress | None) -> None:
    """Download, check and unpack into a folder aside, then put it in its place at once."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{pins[0].program}-") as aside:
        downloads = Path(aside) / "downloads"
        whole = Path(aside) / "whole"
        whole.mkdir()
        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            biggest_first = sorted(pins, key=lambda pin: -pin.size_bytes)
            paths = list(
                pool.map(lambda pin: download(pin, downloads, progress=progress), biggest_first)
            )
        for pin, path in zip(biggest_first, paths, strict=True):
            check(pin, path)
            lay(pin, path, into=whole)
        whole.rename(target)


def check(pin: Pin, path: Path) -> None:
    """Refuse a file that is not byte for byte the pinned one."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != pin.sha256:
        raise Misconfigured(
            f"{pin.filename} has SHA-256 {found}, but {pin.sha256} is pinned; nothing was kept",
        )


def lay(pin: Pin, path: Path, *, into: Path) -> None:
    """Put a checked artefact where the program expects it: a jar as it is, an archive unpacked."""
    if pin.packaging == "tar.gz":
        with tarfile.open(path) as archive:
            archive.extractall(into, filter="data")
    else:
        shutil.move(path, into / pin.filename)


def download(pin: Pin, into: Path, *, progress: Progress | None) -> Path:
    """Bring one artefact from a Maven repository into a folder nobody else uses."""
    # Imported here: a start that finds everything in the cache needs neither jgo nor requests.
    import requests  # noqa: PLC0415  see above
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415  see above

    # A folder a try: jgo refuses to overwrite, and takes what lies there for whole.
    for number in range(1, TRIES + 1):
        context = MavenContext(
            repo_cache=into / str(number),
            resolver=PythonResolver(progress_callback=progress),
            timeout=TIMEOUT_S,
        )
        component = context.project(pin.group, pin.name).at_version(pin.version)
        artefact = component.artifact(classifier=pin.classifier, packaging=pin.packaging)
        try:
            path = Path(artefact.resolve())
        except (requests.RequestException, RuntimeError) as error:
            if number == TRIES:
                raise Unavailable(f"{pin.filename} could not be downloaded: {error}") from error
            continue
        # requests takes a connection that closed early for the end of the file.
        if path.stat().st_size >= pin.size_bytes or number == TRIES:
            return path
    raise AssertionError("TRIES is positive")
