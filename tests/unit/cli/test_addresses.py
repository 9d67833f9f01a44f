"""A running stack is found, and what was said counts before what is found."""

import json

import pytest

from hooklane.cli import addresses
from hooklane.domain.errors import Misconfigured

READY = {"kafka": "127.0.0.1:1", "registry": "http://127.0.0.1:2"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Stand in an empty folder, with nothing said by the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("READY_FILE", "KAFKA_BOOTSTRAP", "KAFKA_REPLICATION", "REGISTRY_URL"):
        monkeypatch.delenv(f"HOOKLANE_{name}", raising=False)
    return tmp_path


def runs(folder):
    folder.mkdir()
    (folder / "ready.json").write_text(json.dumps(READY))
    return folder


def found(directory=None):
    kafka = addresses.kafka_settings(directory)
    return kafka.bootstrap, kafka.replication, addresses.registry_settings(directory).url


def test_without_a_stack_the_settings_count():
    """Their defaults, or the environment's."""
    assert found() == ("127.0.0.1:9092", 3, "http://127.0.0.1:8081")


def test_a_stack_in_the_default_directory_is_found(elsewhere):
    """Its broker is alone."""
    runs(elsewhere / ".hooklane")
    assert found() == ("127.0.0.1:1", 1, "http://127.0.0.1:2")


def test_the_environment_wins_over_what_is_found(elsewhere, monkeypatch):
    """But not over what was named."""
    named = runs(elsewhere / "named")
    runs(elsewhere / ".hooklane")
    monkeypatch.setenv("HOOKLANE_KAFKA_BOOTSTRAP", "k:1")
    monkeypatch.setenv("HOOKLANE_REGISTRY_URL", "http://r")
    assert found() == ("k:1", 3, "http://r")
    assert found(named) == ("127.0.0.1:1", 1, "http://127.0.0.1:2")


def test_the_ready_file_can_be_named(elsewhere, monkeypatch):
    """By the environment."""
    runs(elsewhere / "other")
    monkeypatch.setenv("HOOKLANE_READY_FILE", str(elsewhere / "other" / "ready.json"))
    assert found()[0] == "127.0.0.1:1"


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_named_directory_without_a_stack_is_refused(elsewhere, text):
    """In a sentence with its path."""
    folder = elsewhere / "named"
    folder.mkdir()
    if text is not None:
        (folder / "ready.json").write_text(text)
    with pytest.raises(Misconfigured, match=r"named.ready\.json"):
        found(folder)
