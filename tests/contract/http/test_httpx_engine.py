"""What only the httpx sender can: HTTP/2 where a receiver offers it, and an operator's proxy."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from contract.http.receivers import OK, SHORT_MS, answering, receiving, request_to
from hooklane.adapters.http.addresses import AddressPolicy
from hooklane.adapters.http.httpx_adapter import Engine, HttpxSender
from hooklane.adapters.http.port import Outcome
from hooklane.adapters.http.resolver import Resolver

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


async def post(sender, url, **changes):
    """Submit a request and wait for its answer."""
    answered = asyncio.get_running_loop().create_future()
    sender.submit(request_to(url, **changes), lambda _, answer: answered.set_result(answer))
    return await answered


def sender_of(engine, *, ca_file=None, networks=(LOOPBACK,), names=None):
    """Make a sender whose DNS knows the names given."""

    async def lookup(host):
        if host not in (names or {}):
            raise OSError(-2, "Name or service not known")
        return names[host]

    return HttpxSender(
        policy=AddressPolicy(allowed_networks=networks),
        resolver=Resolver(lookup=lookup),
        ca_file=ca_file,
        engine=engine,
    )


async def speaking_h2(visit):
    """Answer HTTP/2 requests: 429 with Retry-After to /late, nothing to /never, else 200."""
    config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    connection = h2.connection.H2Connection(config=config)
    connection.initiate_connection()
    paths = {}
    visit.writer.write(connection.data_to_send())
    while received := await visit.reader.read(65_536):
        for event in connection.receive_data(received):
            if isinstance(event, h2.events.RequestReceived):
                paths[event.stream_id] = dict(event.headers)[":path"]
                visit.receiver.heads.append(event.headers)
            if isinstance(event, h2.events.DataReceived):
                visit.receiver.bodies.append(event.data)
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if isinstance(event, h2.events.StreamEnded):
                answer_h2(connection, event.stream_id, paths[event.stream_id])
        visit.writer.write(connection.data_to_send())


def answer_h2(connection, stream_id, path):
    """Answer one stream by its path."""
    if path == "/never":
        return
    status = [(":status", "429"), ("retry-after", "9")] if path == "/late" else [(":status", "200")]
    connection.send_headers(stream_id, status)
    connection.send_data(stream_id, b"two", end_stream=True)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def test_http_2_is_spoken_where_it_is_offered(authority, ca_file):
    """Requests share one connection as streams, and a stream that hangs is cut alone."""

    async def scenario():
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.set_alpn_protocols(["h2"])
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        async with receiving(speaking_h2, tls=tls) as receiver:
            sender = sender_of(Engine(), ca_file=ca_file)
            base = receiver.url.removesuffix("/hook")
            first = await post(sender, base + "/a", body=b"one")
            assert (first.outcome, first.status, first.body) == (Outcome.SUCCEEDED, 200, b"two")
            never, late = await asyncio.gather(
                post(sender, base + "/never", timeout_ms=SHORT_MS), post(sender, base + "/late")
            )
            assert (never.outcome, never.status) == (Outcome.TIMED_OUT, None)
            assert (late.outcome, late.status, late.retry_after) == (Outcome.REJECTED, 429, "9")
            await sender.close()
            assert receiver.connections == 1
            assert receiver.bodies[0] == b"one"
            assert ("webhook-id", "evt_1") in receiver.heads[0]

    asyncio.run(scenario())


def test_a_proxy_gets_the_requests_and_the_targets_are_judged_all_the_same():
    """The proxy itself needs no permission; a target that the policy refuses never gets to it."""

    async def scenario():
        names = {"hooks.example": ("93.184.216.34",), "inside.example": ("10.0.0.1",)}
        async with receiving(answering(OK)) as proxy:
            engine = Engine(proxy=f"http://127.0.0.1:{proxy.port}")
            sender = sender_of(engine, networks=(), names=names)
            answer = await post(sender, "http://hooks.example/a")
            assert (answer.outcome, answer.status) == (Outcome.SUCCEEDED, 200)
            assert proxy.heads[0].startswith(b"POST http://hooks.example/a HTTP/1.1\r\n")
            for url in ("http://inside.example/", "http://127.0.0.1:1/"):
                refused = await post(sender, url)
                assert refused.outcome is Outcome.BLOCKED
            await sender.close()
            assert len(proxy.heads) == 1

    asyncio.run(scenario())
