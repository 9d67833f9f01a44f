"""Pins, the cache's folders, and the refusal of what is not pinned."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from hooklane.domain.errors import Misconfigured
from hooklane.embedded import artefacts
from hooklane.embedded.artefacts import Pin


def a_pin(content: bytes = b"jar", *, packaging: str = "jar", classifier: str = "") -> Pin:
    return Pin(
        program="kafka",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        group="org.example",
        name="thing",
        packaging=packaging,
        version="1.0",
        classifier=classifier,
    )


def test_a_line_of_the_lock_file_says_everything_about_an_artefact():
    """Program, digest, size and coordinate are read back as written."""
    line = "registry abc 7 io.example:app:tar.gz:3.3.3:all"
    pin = artefacts.parse_pin(line)
    assert (pin.program, pin.sha256, pin.size_bytes) == ("registry", "abc", 7)
    assert pin.filename == "app-3.3.3-all.tar.gz"


def test_comments_and_empty_lines_pin_nothing():
    """Only artefacts are pins."""
    assert artefacts.parse_lock("# hello\n\n") == ()


def test_the_lock_file_pins_the_versions_we_name():
    """Kafka 4.4.0 and Apicurio Registry 3.3.3, each with 64 digits of SHA-256."""
    pins = artefacts.parse_lock(artefacts.LOCK.read_text())
    versions = {pin.name: pin.version for pin in pins}
    assert versions["kafka_2.13"] == "4.4.0"
    assert versions["apicurio-registry-app"] == "3.3.3"
    assert {64} == {len(pin.sha256) for pin in pins}
    assert len(pins) == len({pin.filename for pin in pins})


def test_other_pins_get_another_folder():
    """A newer version never lands in an older one's folder."""
    assert artefacts.digest((a_pin(b"old"),)) != artefacts.digest((a_pin(b"new"),))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOOKLANE_CACHE": "/here", "XDG_CACHE_HOME": "/there"}, "/here"),
        ({"XDG_CACHE_HOME": "/there"}, "/there/hooklane"),
        ({}, "~/.cache/hooklane"),
        ({"HOOKLANE_CACHE": "", "XDG_CACHE_HOME": ""}, "~/.cache/hooklane"),
    ],
)
def test_the_cache_is_where_the_environment_says(environ, expected):
    """Our own name wins over XDG's, and XDG's over its default."""
    assert Path(expected).expanduser().resolve() == artefacts.cache_dir(environ)


def test_a_file_that_is_not_the_pinned_one_is_refused_by_name(tmp_path):
    """Any other content is refused, and the sentence names the file and both digests."""
    path = tmp_path / "thing-1.0.jar"
    path.write_bytes(b"something else")
    pin = a_pin(b"jar")
    with pytest.raises(Misconfigured) as caught:
        artefacts.check(pin, path)
    assert "thing-1.0.jar" in str(caught.value)
    assert pin.sha256 in str(caught.value)


def test_the_pinned_file_passes(tmp_path):
    """Byte for byte the same is the same."""
    path = tmp_path / "thing-1.0.jar"
    path.write_bytes(b"jar")
    artefacts.check(a_pin(b"jar"), path)


def test_a_refused_artefact_leaves_no_folder_behind(tmp_path, monkeypatch):
    """A folder in the cache is whole and checked, or it is not there."""
    downloads(monkeypatch, {"thing-1.0.jar": b"forged"})
    target = tmp_path / "kafka-1"
    with pytest.raises(Misconfigured):
        artefacts.fetch((a_pin(b"jar"),), target, progress=None)
    assert list(tmp_path.iterdir()) == []


def test_jars_are_laid_side_by_side_and_archives_unpacked(tmp_path, monkeypatch):
    """The programs find what they expect."""
    archive = tar_gz({"lib/inside.txt": b"hello"})
    packed = a_pin(archive, packaging="tar.gz", classifier="all")
    downloads(monkeypatch, {"thing-1.0.jar": b"jar", packed.filename: archive})
    target = tmp_path / "kafka-1"
    artefacts.fetch((a_pin(b"jar"), packed), target, progress=None)
    assert (target / "thing-1.0.jar").read_bytes() == b"jar"
    assert (target / "lib" / "inside.txt").read_bytes() == b"hello"
    assert [target] == list(tmp_path.iterdir())


def test_an_archive_cannot_write_outside_its_folder(tmp_path, monkeypatch):
    """A member that climbs out of the folder is refused, and nothing is kept."""
    archive = tar_gz({"../../outside.txt": b"hello"})
    packed = a_pin(archive, packaging="tar.gz")
    downloads(monkeypatch, {packed.filename: archive})
    with pytest.raises(tarfile.OutsideDestinationError):
        artefacts.fetch((packed,), tmp_path / "kafka-1", progress=None)
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_cache_is_not_fetched_again(tmp_path, monkeypatch):
    """Once the folder is there, nothing touches the network."""
    downloads(monkeypatch, {})
    target = artefacts.folder("kafka", tmp_path)
    target.mkdir()
    assert target == artefacts.ensure("kafka", tmp_path)
    assert artefacts.missing(("kafka", "registry"), tmp_path) == ("registry",)


def test_a_cache_that_cannot_be_written_is_refused_with_its_path(tmp_path):
    """The sentence says where."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured) as caught:
        artefacts.ensure("kafka", tmp_path / "file" / "cache")
    assert str(tmp_path / "file") in str(caught.value)


def downloads(monkeypatch, contents):
    """Stand in for the repositories: each file name has its content."""

    def fake(pin, into, *, progress):
        path = into / pin.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[pin.filename])
        return path

    monkeypatch.setattr(artefacts, "download", fake)


def tar_gz(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()
