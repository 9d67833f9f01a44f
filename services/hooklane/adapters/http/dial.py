"""Opens a connection: resolve, judge each address, connect to the judged address, TLS.

Promises that no socket is connected to an address that the policy was not asked about, and that a
cancelled dial leaves no socket open. Raises `DialFailed` or `AddressRefused` for what lies
with the target, `OSError` for what we lack ourselves.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hooklane.adapters.http.addresses import AddressPolicy
from hooklane.adapters.http.answers import elapsed_ms, short
from hooklane.adapters.http.connection import Connection, Owner
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.resolver import NameUnresolved, Resolver

T = TypeVar("T")

# EADDRNOTAVAIL is none of them: where IPv6 is off, connecting to such an address gives it.
OWN_LACKS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class DialFailed(Exception):
    """No connection could be made."""


class Dialer:
    """Makes connections for one sender."""

    def __init__(self, *, policy: AddressPolicy, resolver: Resolver, ca_file: str | None) -> None:
        self._policy = policy
        self._resolver = resolver
        self._ca_file = ca_file
        self._contexts: dict[bool, ssl.SSLContext] = {}
        if ca_file is not None:
            # A wrong file is seen at the start, not as an outcome of the first delivery.
            self._context(verify=True)

    async def dial(self, exchange: Exchange, owner: Owner) -> Connection:
        """Connect to the exchange's target before its deadline; note what each part took.

        Raises:
            AddressRefused: no address of the target may be connected to.
            DialFailed: the name, the connect or TLS failed.
        OSError: we have no file, port or memory left for a connection.
        """
        loop = asyncio.get_running_loop()
        target = exchange.request.target
        permitted = await permitted_addresses(
            exchange, target.host, policy=self._policy, resolver=self._resolver
        )
        connect = functools.partial(_connect, port=target.port)
        sock = await connect_in_turn(exchange, permitted, connect=connect)
        if target.scheme == "http":
            return await _protocol(sock, owner, exchange, tls=None)
        exchange.phase, began = "tls", loop.time()
        context = self._context(verify=target.verify_tls)
        try:
            connection = await _protocol(sock, owner, exchange, tls=context)
        except (OSError, ssl.SSLError) as error:
            raise DialFailed(f"tls: {short(_tls_reason(error))}") from None
        exchange.tls_ms = elapsed_ms(began, loop.time())
        return connection

    def _context(self, *, verify: bool) -> ssl.SSLContext:
        """Give the context for one way of verifying; made once, as it reads all authorities."""
        context = self._contexts.get(verify)
        if context is None:
            context = tls_context(ca_file=self._ca_file, verify=verify)
            self._contexts[verify] = context
        return context


def tls_context(*, ca_file: str | None, verify: bool) -> ssl.SSLContext:
    """Make a client context: the system's authorities, and those of a file beside them."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def permitted_addresses(
    exchange: Exchange, host: str, *, policy: AddressPolicy, resolver: Resolver
) -> tuple[str, ...]:
    """Resolve a host and keep the addresses that may be connected to.

    Raises:
        AddressRefused: there are addresses, none of them permitted.
        DialFailed: the name has no address.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    exchange.phase = "dns"
    try:
        addresses = await resolver.resolve(host)
    except NameUnresolved as error:
        raise DialFailed(f"dns: {short(error)}") from None
    exchange.dns_ms = elapsed_ms(began, loop.time())
    return policy.permitted(addresses)


async def connect_in_turn(
    exchange: Exchange, addresses: tuple[str, ...], *, connect: Callable[[str], Awaitable[T]]
) -> T:
    """Connect to the first address that answers; each gets a share of the time left.

    Raises:
        DialFailed: with the last address's reason.
        OSError: what we lack ourselves, which is no endpoint's fault.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    exchange.phase = "connect"
    reason = "no address"
    for index, address in enumerate(addresses):
        left = len(addresses) - index
        # The last one has what is left, and ends with the exchange's deadline.
        share = (exchange.deadline - loop.time()) / left if left > 1 else None
        try:
            async with asyncio.timeout(share):
                connected = await connect(address)
        except TimeoutError:
            reason = f"{address}: timed out"
        except OSError as error:
            if error.errno in OWN_LACKS:
                raise
            reason = os.strerror(error.errno) if error.errno else str(error)
        else:
            exchange.connect_ms = elapsed_ms(began, loop.time())
            return connected
    raise DialFailed(f"connect: {short(reason)}")


async def _connect(address: str, port: int) -> socket.socket:
    """Connect a socket to an address; close it where that fails or is cancelled."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def _protocol(
    sock: socket.socket, owner: Owner, exchange: Exchange, *, tls: ssl.SSLContext | None
) -> Connection:
    """Put a connection, and TLS where asked, on a connected socket."""
    target = exchange.request.target
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(owner, target.origin),
            sock=sock,
            ssl=tls,
            server_hostname=target.host if tls else None,
        )
    except BaseException:
        sock.close()
        raise
    return connection


def _tls_reason(error: OSError) -> str:
    """Give the part of a TLS error that says something."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    return getattr(error, "reason", None) or error.strerror or str(error) or "connection closed"
