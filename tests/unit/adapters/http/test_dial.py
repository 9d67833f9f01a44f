"""How the addresses of a target are tried."""

from __future__ import annotations

import asyncio
import errno

import pytest

from hooklane.adapters.http.dial import DialFailed, connect_in_turn
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.port import Request, target


def tried(addresses, ends):
    """Try addresses whose connects end as given; give what came of it, and what was tried."""
    asked = []

    async def connect(address):
        asked.append(address)
        end = ends[address]
        if end == "never":
            await asyncio.Event().wait()
        if isinstance(end, OSError):
            raise end
        return end

    async def scenario():
        request = Request(target=target("http://h.example/", {}), headers=b"", body=b"")
        exchange = Exchange(request, print, started=asyncio.get_running_loop().time())
        exchange.deadline = exchange.started + 0.05
        return await connect_in_turn(exchange, addresses, connect=connect)

    return asyncio.run(scenario()), asked


def test_the_first_address_that_answers_is_taken():
    """Later ones are not tried."""
    refused = OSError(errno.ECONNREFUSED, "refused")
    found = tried(("::1", "1.1.1.1", "::2"), {"::1": refused, "1.1.1.1": "a socket"})
    assert found == ("a socket", ["::1", "1.1.1.1"])


def test_an_address_that_does_not_answer_has_only_its_share_of_the_time():
    """A dead address leaves time for the next."""
    found = tried(("::1", "1.1.1.1"), {"::1": "never", "1.1.1.1": "a socket"})
    assert found == ("a socket", ["::1", "1.1.1.1"])


def test_where_all_fail_the_last_reason_is_given():
    """The text is the system's, without addresses in brackets."""
    ends = {"::1": OSError(errno.ENETUNREACH, ""), "1.1.1.1": OSError(errno.ECONNREFUSED, "x")}
    with pytest.raises(DialFailed, match=r"^connect: Connection refused$"):
        tried(("::1", "1.1.1.1"), ends)
    with pytest.raises(DialFailed, match=r"^connect: no address$"):
        tried((), {})


def test_what_we_lack_ourselves_is_not_the_endpoints_fault():
    """Without a file left no address is blamed; the attempt fails as our own error."""
    with pytest.raises(OSError, match="files"):
        tried(("::1", "1.1.1.1"), {"::1": OSError(errno.EMFILE, "Too many open files")})
