import json

import pytest

from hooklane.cli.control_address import address
from hooklane.domain.errors import Misconfigured


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HOOKLANE_API", "HOOKLANE_API_KEY", "HOOKLANE_READY_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_environment_wins(nowhere, monkeypatch):
    """Whoever sets it means it."""
    monkeypatch.setenv("HOOKLANE_API", "http://127.0.0.1:9")
    assert address("api") == "http://127.0.0.1:9"


def test_the_ready_file_of_this_folder_is_found(nowhere):
    """Where `hooklane up` runs, nothing has to be set."""
    (nowhere / ".hooklane").mkdir()
    ready = {"api": "http://127.0.0.1:7", "api_key": "k"}
    (nowhere / ".hooklane/ready.json").write_text(json.dumps(ready))
    assert (address("api"), address("api_key")) == ("http://127.0.0.1:7", "k")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"api": null}'])
def test_without_either_it_says_what_to_set(nowhere, monkeypatch, text):
    """A broken or empty file is as good as none."""
    if text is not None:
        (nowhere / "ready.json").write_text(text)
    monkeypatch.setenv("HOOKLANE_READY_FILE", str(nowhere / "ready.json"))
    with pytest.raises(Misconfigured, match="set HOOKLANE_API"):
        address("api")
