"""A control API for the commands, without a socket."""

import pytest
from click.testing import CliRunner

from hooklane import cli
from hooklane.cli import shown
from hooklane.client import Client
from hooklane.control.api import build_api
from support.control import API_KEY, Bench, Direct


@pytest.fixture
def bench(tmp_path):
    found = Bench(url=f"sqlite:///{tmp_path}/control.db")
    found.follower("matcher")
    found.ring()
    yield found
    found.store.close()


@pytest.fixture
def run(bench, monkeypatch):
    """Runs `hooklane …` against it."""
    transport = Direct(build_api(bench.desk, bench.lookout, api_key=API_KEY))
    monkeypatch.setattr(
        shown, "open_client", lambda: Client("http://control", API_KEY, transport=transport)
    )

    def invoke(*words):
        return CliRunner().invoke(cli.main, list(words))

    assert invoke("tenant", "create", "acme").exit_code == 0
    return invoke
