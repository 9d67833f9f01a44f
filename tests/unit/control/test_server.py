import httpx
import pytest

from hooklane.control.api import build_api
from hooklane.control.server import ApiServer
from hooklane.domain.errors import Misconfigured
from support.control import API_KEY


def test_it_answers_on_a_free_port_until_stopped(bench):
    """Port 0 takes one; a stop ends the answering."""
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY)
    server = ApiServer(app, host="127.0.0.1", port=0)
    server.start()
    url = f"http://127.0.0.1:{server.port}/v1/tenants"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=20)
    assert answer.json() == {"items": [], "next_cursor": None}
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_taken_port_is_refused_at_start(bench):
    """One sentence names host and port."""
    first = ApiServer(None, host="127.0.0.1", port=0)
    first._socket.listen()
    with pytest.raises(Misconfigured, match=str(first.port)):
        ApiServer(None, host="127.0.0.1", port=first.port)
    first.stop()
