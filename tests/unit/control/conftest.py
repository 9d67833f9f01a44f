"""Control on the twin, with an HTTP client that reaches its API without a socket."""

import httpx
import pytest

from hooklane.control.api import build_api
from support.control import API_KEY, Bench, Direct


@pytest.fixture
def bench(tmp_path):
    found = Bench(url=f"sqlite:///{tmp_path}/control.db")
    yield found
    found.store.close()


@pytest.fixture
def api(bench):
    """The API with the key, a tenant `acme` and a live matcher."""
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY, log=bench.log)
    key = {"Authorization": f"Bearer {API_KEY}"}
    client = httpx.Client(base_url="http://control", headers=key, transport=Direct(app))
    bench.follower("matcher")
    bench.ring()
    assert client.post("/v1/tenants", json={"name": "acme"}).status_code == 201
    return client
