"""What every sender refuses to reach, and how TLS, names and addresses are judged."""

from __future__ import annotations

import ipaddress
import ssl

import pytest
import trustme

from contract.http.receivers import OK, SHORT_MS, answering, closing, outcome_and_status, receiving
from hooklane.adapters.http.port import Outcome, target


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def served_by(authority, *names):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def test_a_certificate_of_a_known_authority_for_the_host_is_accepted(bench, authority, ca_file):
    """A name with a good certificate is reached over TLS, again on the same connection."""

    async def scenario():
        tls = served_by(authority, "hooks.example")
        names = {"hooks.example": ("127.0.0.1",)}
        async with (
            receiving(answering(OK), tls=tls) as receiver,
            bench.sender(names=names, ca_file=ca_file) as sender,
        ):
            for _ in range(2):
                answer = await sender.post(f"https://hooks.example:{receiver.port}/")
                assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert receiver.connections == 1
            assert receiver.bodies == [b'{"id":"evt_1"}'] * 2

    bench.run(scenario)


def test_a_certificate_for_an_address_is_accepted(bench, authority, ca_file):
    """An address literal is checked against the certificate's addresses."""

    async def scenario():
        tls = served_by(authority, "127.0.0.1")
        async with (
            receiving(answering(OK), tls=tls) as receiver,
            bench.sender(ca_file=ca_file) as sender,
        ):
            answer = await sender.post(receiver.url)
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)

    bench.run(scenario)


@pytest.mark.parametrize("case", ["untrusted", "wrong-host"])
def test_a_certificate_that_does_not_hold_is_unreachable(bench, authority, ca_file, case):
    """Nothing is sent to an unknown authority's certificate, or to one for another host."""

    async def scenario():
        tls = served_by(authority, "hooks.example" if case == "untrusted" else "other.example")
        trusted = None if case == "untrusted" else ca_file
        names = {"hooks.example": ("127.0.0.1",)}
        async with (
            receiving(answering(OK), tls=tls) as receiver,
            bench.sender(names=names, ca_file=trusted) as sender,
        ):
            answer = await sender.post(f"https://hooks.example:{receiver.port}/")
            assert outcome_and_status(answer) == (Outcome.UNREACHABLE, None)
            assert answer.error.startswith("tls: ")
            assert "ertificate" in answer.error
            assert receiver.heads == []

    bench.run(scenario)


def test_checks_can_be_left_out_for_a_target(bench, authority):
    """A target with verify_tls off is reached whatever its certificate."""

    async def scenario():
        async with (
            receiving(answering(OK), tls=served_by(authority, "other.example")) as receiver,
            bench.sender() as sender,
        ):
            answer = await sender.post(receiver.url, verify_tls=False)
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)

    bench.run(scenario)


def test_a_receiver_that_speaks_no_tls_is_unreachable(bench):
    """Plain bytes in place of a handshake are unreachable."""

    async def script(visit):
        await visit.say(b"220 mail ready\r\n")
        await visit.until_hung_up()

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            answer = await sender.post(f"https://127.0.0.1:{receiver.port}/")
            assert outcome_and_status(answer) == (Outcome.UNREACHABLE, None)
            assert answer.error.startswith("tls: ")

    bench.run(scenario)


def test_a_handshake_that_does_not_end_is_timed_out(bench):
    """TLS is part of the connect, and shares its limit."""

    async def script(visit):
        await visit.until_hung_up()

    async def scenario():
        async with receiving(script) as receiver, bench.sender() as sender:
            url = f"https://127.0.0.1:{receiver.port}/"
            # Long enough for the connect before it, also on a busy machine.
            answer = await sender.post(url, connect_timeout_ms=2 * SHORT_MS)
            assert (answer.outcome, answer.error) == (Outcome.TIMED_OUT, "tls timed out")

    bench.run(scenario)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost.example", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"],
)
def test_an_address_that_the_policy_refuses_is_blocked(bench, host):
    """Literals and names alike: no connect is tried."""

    async def scenario():
        names = {"localhost.example": ("127.0.0.1", "10.0.0.1")}
        async with (
            receiving(answering(OK)) as receiver,
            bench.sender(names=names, networks=()) as sender,
        ):
            answer = await sender.post(f"http://{host}:{receiver.port}/")
            assert outcome_and_status(answer) == (Outcome.BLOCKED, None)
            assert answer.error.endswith("refused by policy")
            assert receiver.connections == 0

    bench.run(scenario)


def test_only_the_permitted_addresses_of_a_name_are_connected_to(bench):
    """A refused address in a DNS answer is left out, an allowed one beside it is used."""

    async def scenario():
        names = {"mixed.example": ("127.0.0.2", "127.0.0.1")}
        networks = (ipaddress.ip_network("127.0.0.1/32"),)
        async with (
            receiving(answering(OK)) as receiver,
            bench.sender(names=names, networks=networks) as sender,
        ):
            answer = await sender.post(f"http://mixed.example:{receiver.port}/")
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)
            assert f"mixed.example:{receiver.port}".encode() in receiver.heads[0]

    bench.run(scenario)


def test_the_next_address_is_tried_where_one_refuses_the_connect(bench):
    """One dead address of several costs no attempt."""

    async def scenario():
        names = {"two.example": ("127.0.0.2", "127.0.0.1")}
        async with receiving(answering(OK)) as receiver, bench.sender(names=names) as sender:
            answer = await sender.post(f"http://two.example:{receiver.port}/")
            assert outcome_and_status(answer) == (Outcome.SUCCEEDED, 200)

    bench.run(scenario)


def test_an_unknown_name_is_unreachable(bench):
    """A failed look-up is unreachable, with a reason that names DNS."""

    async def scenario():
        async with bench.sender() as sender:
            answer = await sender.post("http://nowhere.example/")
            assert outcome_and_status(answer) == (Outcome.UNREACHABLE, None)
            assert answer.error == "dns: Name or service not known"

    bench.run(scenario)


def test_a_look_up_that_does_not_end_is_timed_out(bench):
    """DNS is part of the connect, and shares its limit."""

    async def scenario():
        async with bench.sender(names={"slow.example": "never"}) as sender:
            answer = await sender.post("http://slow.example/", connect_timeout_ms=SHORT_MS)
            assert (answer.outcome, answer.error) == (Outcome.TIMED_OUT, "dns timed out")

    bench.run(scenario)


def test_headers_of_an_attempt_that_end_the_head_are_our_own_failure(bench):
    """A blank line among the attempt's headers is refused before anything is sent."""

    async def scenario():
        async with receiving(closing(OK)) as receiver, bench.sender() as sender:
            for headers in (b"a: b\r\n\r\nc: d\r\n", b"a: b"):
                answer = await sender.post(receiver.url, headers=headers)
                assert (answer.outcome, answer.error) == (Outcome.FAILED, "illegal headers")
            assert receiver.connections == 0

    bench.run(scenario)


def test_a_header_that_breaks_the_line_never_becomes_a_target():
    """Header injection is refused where the target is made."""
    with pytest.raises(ValueError, match="X-Own"):
        target("http://127.0.0.1/", {"X-Own": "a\r\nwebhook-id: forged"})
