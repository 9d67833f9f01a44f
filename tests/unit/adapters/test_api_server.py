import httpx
import pytest

from hooklane.adapters.api_server import ApiServer
from hooklane.domain.errors import Misconfigured


async def greeting(scope, receive, send):
    """Answer every request alike."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_it_answers_on_a_free_port_until_stopped():
    """Port 0 takes one; a stop ends the answering."""
    server = ApiServer(greeting, host="127.0.0.1", port=0)
    server.start()
    url = f"http://127.0.0.1:{server.port}/"
    assert httpx.get(url, timeout=20).text == "hello"
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_taken_port_is_refused_at_start():
    """One sentence names host and port."""
    first = ApiServer(None, host="127.0.0.1", port=0)
    first._socket.listen()
    with pytest.raises(Misconfigured, match=str(first.port)):
        ApiServer(None, host="127.0.0.1", port=first.port)
    first.stop()
