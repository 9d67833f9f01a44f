"""Who may open a connection, who gets a free one, and who waits: the pool's books, without I/O.

Connections are shared per origin. Limits are per host and in all. An origin's requests wait first
in, first out; where the limit in all is what stops them, a free connection of a larger origin is
given up for the one that waits, so that no origin starves another.
"""

from __future__ import annotations

from collections import deque

from hooklane.adapters.http.connection import Connection
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.port import Limits
from hooklane.adapters.http.target import Origin


class Host:
    """One origin's connections: how many there are, which are idle, what waits for one."""

    __slots__ = ("count", "idle", "waiting")

    def __init__(self) -> None:
        self.count = 0
        self.idle: list[Connection] = []
        self.waiting: deque[Exchange] = deque()


class Pool:
    """The books of all origins."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.hosts: dict[Origin, Host] = {}
        self.count = 0
        self.waiting_count = 0
        # Oldest first, over all origins.
        self.idle: dict[Connection, None] = {}
        # Origins that only the limit in all stops, in the order in which they take turns.
        self._starved: dict[Origin, None] = {}

    def host(self, origin: Origin) -> Host:
        """Give an origin's entry."""
        host = self.hosts.get(origin)
        if host is None:
            host = self.hosts[origin] = Host()
        return host

    def take_idle(self, host: Host) -> Connection | None:
        """Take the most recently used idle connection of an origin."""
        if not host.idle:
            return None
        connection = host.idle.pop()
        del self.idle[connection]
        return connection

    def put_idle(self, host: Host, connection: Connection) -> None:
        """Keep a free connection."""
        host.idle.append(connection)
        self.idle[connection] = None

    def remove_idle(self, connection: Connection) -> None:
        """Forget a connection, if it is idle."""
        if connection in self.idle:
            del self.idle[connection]
            self.hosts[connection.key].idle.remove(connection)

    def may_open(self, host: Host) -> bool:
        """Tell whether an origin may have one more connection of its own."""
        return host.count < self._limits.connections_per_host_max

    @property
    def is_full(self) -> bool:
        """Tell whether the limit in all is reached."""
        return self.count >= self._limits.connections_max

    def opened(self, host: Host) -> None:
        """Count a connection, from the start of its dial on."""
        host.count += 1
        self.count += 1

    def freed(self, origin: Origin) -> None:
        """Count a connection that ended."""
        host = self.hosts[origin]
        host.count -= 1
        self.count -= 1
        if not host.count and not host.waiting:
            del self.hosts[origin]

    def wait(self, origin: Origin, exchange: Exchange) -> None:
        """Put a request at the end of its origin's queue."""
        host = self.host(origin)
        host.waiting.append(exchange)
        self.waiting_count += 1
        self.note_starved(origin)

    def note_starved(self, origin: Origin) -> None:
        """Let an origin take turns, if requests wait and only the limit in all stops them."""
        host = self.hosts.get(origin)
        if host is not None and host.waiting and self.may_open(host):
            self._starved.setdefault(origin)

    def next_waiting(self, origin: Origin) -> Exchange | None:
        """Take the request that has waited longest for this origin."""
        host = self.hosts.get(origin)
        if host is None or not host.waiting:
            return None
        self.waiting_count -= 1
        return host.waiting.popleft()

    def forget_waiting(self, exchange: Exchange) -> None:
        """Take a request that was cut out of its queue."""
        origin = exchange.request.target.origin
        host = self.hosts[origin]
        host.waiting.remove(exchange)
        self.waiting_count -= 1
        if not host.count and not host.waiting:
            del self.hosts[origin]

    def starved(self, besides: Host | None = None) -> Origin | None:
        """Give the origin whose turn it is to get the next place, of those that wait for one."""
        for origin in tuple(self._starved):
            host = self.hosts.get(origin)
            if host is None or not host.waiting or not self.may_open(host):
                del self._starved[origin]
            elif host is not besides:
                return origin
        return None

    def turn_taken(self, origin: Origin) -> None:
        """Move an origin that got a slot behind the others."""
        self._starved.pop(origin, None)
        self.note_starved(origin)

    def gives_way(self, host: Host) -> bool:
        """Tell whether a free connection goes to another origin: unused here, or fewer there."""
        origin = self.starved(besides=host) if self.is_full else None
        if origin is None:
            return False
        other = self.hosts[origin]
        return not host.waiting or other.count == 0 or host.count > other.count + 1
