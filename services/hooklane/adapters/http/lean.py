"""The default sender: HTTP/1.1 on our own connections, per request only bytes and a callback.

On a kept-alive connection a request costs no task, future, timer or log line: one write, one read,
one `Answer`. Deadlines are kept by one sweep every 50 ms, which looks at the open requests only
when one of them can be late. Tasks exist for dialing alone. Runs on uvloop and on plain asyncio;
must be made, used and closed on one running loop.
"""

from __future__ import annotations

import asyncio
import functools
import math

from hooklane.adapters.http.addresses import AddressPolicy, AddressRefused
from hooklane.adapters.http.answers import (
    HEADERS_KEPT_BYTES,
    SUCCEEDED,
    all_fields,
    kept_fields,
    outcome_of,
    retry_after,
    short,
)
from hooklane.adapters.http.connection import Connection
from hooklane.adapters.http.dial import Dialer, DialFailed
from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.ledger import Ledger
from hooklane.adapters.http.pool import Pool
from hooklane.adapters.http.port import Answer, Limits, OnAnswer, Outcome, Request
from hooklane.adapters.http.resolver import Resolver
from hooklane.adapters.http.target import Origin

SWEEP_S = 0.05


class LeanSender(Ledger[Exchange]):
    """Keeps the port's promises over a pool of `Connection`s."""

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        limits: Limits | None = None,
        resolver: Resolver | None = None,
        ca_file: str | None = None,
    ) -> None:
        super().__init__(limits or Limits())
        self._resolver = resolver or Resolver()
        self._dialer = Dialer(policy=policy, resolver=self._resolver, ca_file=ca_file)
        self._pool = Pool(self._limits)
        self._dials: set[asyncio.Task[bool]] = set()
        self._connections: set[Connection] = set()
        self._earliest = math.inf
        self._sweep_timer: asyncio.TimerHandle | None = None

    # The port.

    def submit(self, request: Request, on_answer: OnAnswer) -> None:
        """Send a request now, or queue it."""
        exchange = Exchange(request, on_answer, started=self._loop.time())
        if self._refused(exchange, self._pool.waiting_count):
            return
        self._open[request] = exchange
        self._watch(exchange.deadline)
        host = self._pool.host(request.target.origin)
        connection = self._pool.take_idle(host)
        if connection is not None:
            connection.send(exchange)
        elif self._may_dial(request.target.origin):
            self._dial(exchange)
        else:
            self._pool.wait(request.target.origin, exchange)

    def cut(self, request: Request) -> None:
        """End an open request now."""
        exchange = self._open.get(request)
        if exchange is not None:
            self._cut(exchange, "cut")

    async def close(self) -> None:
        """Cut what is open and end every connection."""
        self._closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        for request in tuple(self._open):
            self.cut(request)
        for dial in tuple(self._dials):
            dial.cancel()
        await asyncio.gather(*self._dials, return_exceptions=True)
        for connection in tuple(self._connections):
            connection.end()
        self._resolver.close()
        # One turn of the loop, in which the transports let go of their sockets.
        await asyncio.sleep(0)

    # What connections say.

    def answered(self, connection: Connection, exchange: Exchange, *, reusable: bool) -> None:
        """Free the connection, then hand over the answer, so that the caller can submit on it."""
        answer = self._read(connection, exchange)
        if reusable:
            self._release(connection)
        self._answer(exchange, answer)

    def lost(self, connection: Connection, exchange: Exchange, *, reason: str) -> None:
        """Try a request once more if only a stale kept-alive connection was in its way."""
        stale = connection.served > 0 and connection.received == 0
        if stale and not exchange.again and not self._closed and self._is_open(exchange):
            exchange.again = True
            self._dial(exchange)
        else:
            self._fail(exchange, Outcome.UNREACHABLE, reason)

    def gone(self, connection: Connection) -> None:
        """Take a connection off the books, and let who waits have its place."""
        if connection in self._connections:
            self._connections.discard(connection)
            self._pool.remove_idle(connection)
            self._slot_freed(connection.key)

    # Connections.

    def _may_dial(self, origin: Origin) -> bool:
        """Tell whether an origin may open a connection now; an idle one elsewhere gives way."""
        pool = self._pool
        if not pool.may_open(pool.host(origin)):
            return False
        if pool.is_full and pool.idle:
            next(iter(pool.idle)).end()
        return not pool.is_full

    def _dial(self, exchange: Exchange) -> None:
        """Open a connection for a request."""
        request = exchange.request
        self._pool.opened(self._pool.host(request.target.origin))
        limit = self._loop.time() + request.connect_timeout_ms / 1_000
        exchange.deadline = min(exchange.deadline, limit)
        self._watch(exchange.deadline)
        exchange.dialing = self._loop.create_task(self._connect(exchange))
        self._dials.add(exchange.dialing)
        exchange.dialing.add_done_callback(functools.partial(self._dialed, request))

    def _dialed(self, request: Request, dial: asyncio.Task[bool]) -> None:
        """Free the place of a dial that made no connection, one cancelled before it began too."""
        self._dials.discard(dial)
        if dial.cancelled() or not dial.result():
            self._slot_freed(request.target.origin)

    async def _connect(self, exchange: Exchange) -> bool:
        """Dial, then send; whatever goes wrong becomes the request's answer."""
        try:
            connection = await self._dialer.dial(exchange, self)
        except AddressRefused as refused:
            self._fail(exchange, Outcome.BLOCKED, str(refused))
        except DialFailed as error:
            self._fail(exchange, Outcome.UNREACHABLE, short(error))
        except OSError as error:
            self._fail(exchange, Outcome.FAILED, f"connect: {short(error)}")
        except Exception as error:
            # Our own bug must cost this attempt only; the loop's handler says where it is.
            self._report(error, "dialing failed")
            self._fail(exchange, Outcome.FAILED, f"{type(error).__name__}: {short(error)}")
        else:
            if not connection.ended:
                self._connected(exchange, connection)
                return True
            self._fail(exchange, Outcome.UNREACHABLE, "connection closed before an answer")
        return False

    def _connected(self, exchange: Exchange, connection: Connection) -> None:
        """Send on a new connection; one whose request was cut meanwhile serves others."""
        self._connections.add(connection)
        exchange.dialing = None
        if self._is_open(exchange):
            exchange.deadline = exchange.started + exchange.request.timeout_ms / 1_000
            self._watch(exchange.deadline)
            connection.send(exchange)
        else:
            self._release(connection)

    def _release(self, connection: Connection) -> None:
        """Give a free connection to who waits for it, or keep it idle."""
        now = self._loop.time()
        origin: Origin = connection.key
        host = self._pool.host(origin)
        old = now - connection.born > self._limits.age_ms_max / 1_000
        if old or self._closed:
            connection.end()
            return
        if self._pool.waiting_count and self._pool.gives_way(host):
            self._pool.turn_taken(origin)
            connection.end()
            return
        waiting = self._pool.next_waiting(origin)
        if waiting is not None:
            connection.send(waiting)
            return
        connection.idle_since = now
        self._pool.put_idle(host, connection)

    def _slot_freed(self, origin: Origin) -> None:
        """Count an ended connection, and dial for who waits for its place."""
        self._pool.freed(origin)
        if self._closed or not self._pool.waiting_count:
            return
        self._pool.note_starved(origin)
        while (candidate := self._pool.starved()) is not None and self._may_dial(candidate):
            exchange = self._pool.next_waiting(candidate)
            self._pool.turn_taken(candidate)
            if exchange is not None:
                self._dial(exchange)

    # Deadlines.

    def _watch(self, deadline: float) -> None:
        """Let the sweep look at the open requests when this deadline has passed."""
        self._earliest = min(self._earliest, deadline)
        if self._sweep_timer is None and not self._closed:
            self._sweep_timer = self._loop.call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        """Cut what is late, close what was idle for long; stop when nothing is left to watch."""
        self._sweep_timer = None
        now = self._loop.time()
        if now >= self._earliest:
            late = [exchange for exchange in self._open.values() if exchange.deadline <= now]
            for exchange in late:
                if self._is_open(exchange):
                    self._cut(exchange, f"{exchange.phase} timed out")
            self._earliest = min((e.deadline for e in self._open.values()), default=math.inf)
        oldest = now - self._limits.idle_ms / 1_000
        while self._pool.idle and next(iter(self._pool.idle)).idle_since <= oldest:
            next(iter(self._pool.idle)).end()
        if self._sweep_timer is None and not self._closed and (self._open or self._pool.idle):
            self._sweep_timer = self._loop.call_later(SWEEP_S, self._sweep)

    def _cut(self, exchange: Exchange, reason: str) -> None:
        """End a request wherever it stands: by its status if that was read, else timed out."""
        connection = exchange.connection
        if connection is not None:
            exchange.connection = None
            if connection.abandon():
                self._answer(exchange, self._read(connection, exchange))
                return
        elif exchange.dialing is not None:
            exchange.dialing.cancel()
        else:
            self._pool.forget_waiting(exchange)
        self._fail(exchange, Outcome.TIMED_OUT, reason)

    # Answers.

    def _read(self, connection: Connection, exchange: Exchange) -> Answer:
        """Make the answer of what a connection read."""
        status = connection.status
        fields = connection.fields
        small = connection.received <= HEADERS_KEPT_BYTES
        outcome = outcome_of(status)
        return Answer(
            outcome=outcome,
            status=status,
            headers=all_fields(tuple(fields)) if small else kept_fields(fields),
            body=connection.kept_body,
            timings_ms=exchange.timings(self._loop.time()),
            retry_after=None if outcome is SUCCEEDED else retry_after(fields),
            is_whole=connection.is_whole,
        )
