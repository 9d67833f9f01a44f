"""A control API of its own for each test, and the client's way to it."""

import pytest

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
def hooklane(bench):
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY)
    with Client("http://control", API_KEY, transport=Direct(app)) as found:
        found.create_tenant("acme")
        yield found
