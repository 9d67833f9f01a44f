"""Names to addresses: getaddrinfo in threads of its own, with a small cache of short life.

Threads of its own, because one tenant's slow name servers must not hold up whatever else a default
executor does. Look-ups of one name under way are shared. Failures are remembered briefly.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

TTL_S = 15.0
FAILURE_TTL_S = 2.0
NAMES_MAX = 4_096
THREADS_MAX = 32
ADDRESSES_MAX = 8

Lookup = Callable[[str], Awaitable[tuple[str, ...]]]


class NameUnresolved(Exception):
    """The name has no address now."""


class Resolver:
    """Gives the addresses of a host name, IPv6 and IPv4 in turn; literals without asking."""

    def __init__(self, *, lookup: Lookup | None = None) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._lookup = lookup or self._getaddrinfo
        self._known: OrderedDict[str, tuple[float, tuple[str, ...], str]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Give at least one address.

        Raises:
            NameUnresolved: where there is none.
        """
        if _is_literal(host):
            return (host,)
        loop = asyncio.get_running_loop()
        until, addresses, failure = self._known.get(host, (0.0, (), ""))
        if loop.time() >= until:
            asking = self._asking.get(host)
            if asking is None:
                asking = self._asking[host] = loop.create_task(self._ask(host))
                asking.add_done_callback(lambda _: self._asking.pop(host, None))
            # Shielded: who is cut must not end the look-up that others wait for.
            addresses = await asyncio.shield(asking)
            failure = self._known[host][2] if host in self._known else ""
        if not addresses:
            raise NameUnresolved(failure or "no address")
        return addresses

    def close(self) -> None:
        """Start no further look-up."""
        for asking in tuple(self._asking.values()):
            asking.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, host: str) -> tuple[str, ...]:
        """Look a name up and remember the answer, a failure too."""
        failure = ""
        try:
            addresses = in_turn(await self._lookup(host))[:ADDRESSES_MAX]
        except (OSError, UnicodeError, NameUnresolved) as error:
            addresses, failure = (), str(getattr(error, "strerror", None) or error)
        ttl = TTL_S if addresses else FAILURE_TTL_S
        self._known[host] = (asyncio.get_running_loop().time() + ttl, addresses, failure)
        self._known.move_to_end(host)
        if len(self._known) > NAMES_MAX:
            self._known.popitem(last=False)
        return addresses

    async def _getaddrinfo(self, host: str) -> tuple[str, ...]:
        """Ask the system, off the loop."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="resolver")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _system_addresses, host)
        return tuple(dict.fromkeys(found))


def in_turn(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Alternate the families, the first one given first: a dead family costs little."""
    first = [a for a in addresses if (":" in a) == (":" in addresses[0])]
    second = [a for a in addresses if a not in first]
    ordered: list[str] = []
    for index in range(max(len(first), len(second))):
        ordered += first[index : index + 1] + second[index : index + 1]
    return tuple(ordered)


def _is_literal(host: str) -> bool:
    """Tell whether a host is an IP address written out."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _system_addresses(host: str) -> list[str]:
    """Ask getaddrinfo for stream addresses."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
