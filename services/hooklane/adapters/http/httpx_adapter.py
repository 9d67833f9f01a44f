"""The other sender: httpx's engine (httpcore), for HTTP/2 and proxies, behind the same port.

Costs a task per request and many times the CPU of `lean`. The engine is used directly, because the
client around it follows redirects, keeps cookies and reads proxies from the environment, none of
which a webhook may do. Its pool is bounded per host and in all by our own turns; a further try
after a stale connection goes through a pool that keeps nothing alive, so that it is fresh.
With a proxy the target's name is judged here first; the proxy then resolves it again, by itself.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import cast

import httpcore

from hooklane.adapters.http.addresses import AddressPolicy, AddressRefused
from hooklane.adapters.http.answers import (
    BODY_BYTES_MAX,
    RawFields,
    ends_itself,
    kept_fields,
    outcome_of,
    retry_after,
    short,
)
from hooklane.adapters.http.dial import DialFailed, permitted_addresses, tls_context
from hooklane.adapters.http.guarded_backend import COURSE, Course, GuardedBackend
from hooklane.adapters.http.ledger import Ledger
from hooklane.adapters.http.port import Answer, Limits, OnAnswer, Outcome, Request
from hooklane.adapters.http.resolver import Resolver
from hooklane.adapters.http.target import DEFAULT_PORTS, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What httpx can and lean cannot: HTTP/2 where the receiver offers it, and a proxy's URL."""

    http2: bool = True
    proxy: str | None = None


class Turns:
    """One host's requests that may be under way."""

    __slots__ = ("free", "users")

    def __init__(self, limit: int) -> None:
        self.free = asyncio.Semaphore(limit)
        self.users = 0


class HttpxSender(Ledger[Course]):
    """Keeps the port's promises over httpcore's connection pools."""

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        limits: Limits | None = None,
        resolver: Resolver | None = None,
        ca_file: str | None = None,
        engine: Engine | None = None,
    ) -> None:
        super().__init__(limits or Limits())
        self._policy = policy
        self._resolver = resolver or Resolver()
        self._ca_file = ca_file
        self._engine = engine or Engine()
        self._backend = GuardedBackend(
            policy=policy, resolver=self._resolver, proxy=_proxy_address(self._engine.proxy)
        )
        self._pools: dict[tuple[bool | None, bool], httpcore.AsyncConnectionPool] = {}
        self._in_all = asyncio.Semaphore(self._limits.connections_max)
        self._hosts: dict[Origin, Turns] = {}
        self._waiting = 0
        self._work: set[asyncio.Task[None]] = set()
        self._sweep_timer: asyncio.TimerHandle | None = None

    # The port.

    def submit(self, request: Request, on_answer: OnAnswer) -> None:
        """Send a request in a task of its own."""
        course = Course(request, on_answer, started=self._loop.time())
        if self._refused(course, self._waiting):
            return
        self._open[request] = course
        course.work = self._loop.create_task(self._run(course))
        self._work.add(course.work)
        course.work.add_done_callback(functools.partial(self._done, course))
        self._waiting += 1
        if self._sweep_timer is None:
            self._sweep_timer = self._loop.call_later(self._sweep_s, self._sweep)

    def cut(self, request: Request) -> None:
        """End an open request now."""
        course = self._open.get(request)
        if course is not None:
            self._cut(course, "cut")

    async def close(self) -> None:
        """Cut what is open and end every connection."""
        self._closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for request in tuple(self._open):
            self.cut(request)
        await asyncio.gather(*self._work, return_exceptions=True)
        for pool in self._pools.values():
            await pool.aclose()
        self._resolver.close()

    # One request.

    def _done(self, course: Course, work: asyncio.Task[None]) -> None:
        """Take a request's task off the books, one cut before it began too."""
        self._work.discard(work)
        self._waiting -= course.waits
        course.waits = False

    async def _run(self, course: Course) -> None:
        """Wait for a turn, ask, answer; whatever goes wrong becomes the request's answer."""
        late = self._loop.call_at(course.deadline, self._late, course)
        COURSE.set(course)
        try:
            async with self._turn(course):
                await self._ask(course)
        except AddressRefused as refused:
            self._fail(course, Outcome.BLOCKED, str(refused))
        except httpcore.ConnectTimeout as timeout:
            self._fail(course, Outcome.TIMED_OUT, str(timeout))
        except (DialFailed, httpcore.ConnectError) as error:
            self._fail(course, Outcome.UNREACHABLE, short(error))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
            if not self._answer_by_status(course):
                self._fail(course, Outcome.UNREACHABLE, f"connection lost: {error}")
        except OSError as error:
            self._fail(course, Outcome.FAILED, f"connect: {short(error)}")
        except Exception as error:
            # Our own bug must cost this attempt only; the loop's handler says where it is.
            self._report(error, "asking failed")
            self._fail(course, Outcome.FAILED, f"{type(error).__name__}: {short(error)}")
        finally:
            late.cancel()

    @asynccontextmanager
    async def _turn(self, course: Course) -> AsyncIterator[None]:
        """Wait until host and whole have a place free."""
        origin = course.request.target.origin
        turns = self._hosts.get(origin)
        if turns is None:
            turns = self._hosts[origin] = Turns(self._limits.connections_per_host_max)
        turns.users += 1
        try:
            async with turns.free, self._in_all:
                self._waiting -= 1
                course.waits = False
                yield
        finally:
            turns.users -= 1
            if not turns.users:
                self._hosts.pop(origin, None)

    async def _ask(self, course: Course) -> None:
        """Ask once, and once more where only a stale connection was in the way."""
        if self._engine.proxy is not None:
            await permitted_addresses(
                course,
                course.request.target.host,
                policy=self._policy,
                resolver=self._resolver,
            )
        try:
            await self._ask_once(course, fresh=False)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError):
            if course.dialed or course.first_byte_at:
                raise
            course.stream = None
            await self._ask_once(course, fresh=True)

    async def _ask_once(self, course: Course, *, fresh: bool) -> None:
        """Send the request and read the answer within its bounds."""
        target = course.request.target
        verify = target.verify_tls if target.scheme == "https" else None
        pool = self._pool(verify=verify, fresh=fresh)
        response = await pool.handle_async_request(_engine_request(course.request))
        body: list[bytes] = []
        read, ended = 0, False
        try:
            stream = cast("AsyncGenerator[bytes, None]", response.aiter_stream())
            async with aclosing(stream):
                async for part in stream:
                    read += len(part)
                    if read - len(part) < course.request.body_kept_bytes:
                        body.append(part)
                    if read > BODY_BYTES_MAX:
                        break
                else:
                    ended = not read or _ends_itself(response)
        except (httpcore.NetworkError, httpcore.ProtocolError):
            pass  # the status was read, and decides
        finally:
            await response.aclose()
        is_whole = ended and read <= course.request.body_kept_bytes
        self._answer_read(course, response.status, response.headers, body, is_whole=is_whole)

    def _answer_read(
        self,
        course: Course,
        status: int,
        fields: RawFields,
        body: list[bytes],
        *,
        is_whole: bool,
    ) -> None:
        """Answer with what was read."""
        outcome = outcome_of(status)
        answer = Answer(
            outcome=outcome,
            status=status,
            headers=kept_fields(fields),
            body=b"".join(body)[: course.request.body_kept_bytes],
            timings_ms=course.timings(self._loop.time()),
            retry_after=None if outcome is Outcome.SUCCEEDED else retry_after(fields),
            is_whole=is_whole,
        )
        self._answer(course, answer)

    def _answer_by_status(self, course: Course) -> bool:
        """Answer by the status if its line was read; tell whether it was."""
        read = course.stream.answer if course.stream is not None else None
        status = read.final_status if read is not None and read.received else None
        if read is None or status is None:
            return False
        self._answer_read(course, status, read.fields, read.body, is_whole=read.is_whole)
        return True

    def _pool(self, *, verify: bool | None, fresh: bool) -> httpcore.AsyncConnectionPool:
        """Give the pool for a way of verifying, None without TLS; a fresh one keeps nothing."""
        pool = self._pools.get((verify, fresh))
        if pool is None:
            proxy = self._engine.proxy
            context = None if verify is None else tls_context(ca_file=self._ca_file, verify=verify)
            pool = self._pools[verify, fresh] = httpcore.AsyncConnectionPool(
                ssl_context=context,
                proxy=httpcore.Proxy(proxy) if proxy is not None else None,
                max_connections=self._limits.connections_max,
                max_keepalive_connections=0 if fresh else None,
                keepalive_expiry=self._limits.idle_ms / 1_000,
                http2=self._engine.http2,
                network_backend=self._backend,
            )
        return pool

    # Deadlines.

    def _late(self, course: Course) -> None:
        """Cut a request whose time is up."""
        self._cut(course, f"{course.phase} timed out")

    def _cut(self, course: Course, reason: str) -> None:
        """End a request: by its status if that was read, else timed out."""
        if not self._answer_by_status(course):
            self._fail(course, Outcome.TIMED_OUT, reason)
        if course.work is not None:
            course.work.cancel()

    @property
    def _sweep_s(self) -> float:
        """How often idle connections are looked at."""
        return max(0.05, self._limits.idle_ms / 2_000)

    def _sweep(self) -> None:
        """Close connections that were idle for long, or are too old to be used again."""
        now = self._loop.time()
        for stream in tuple(self._backend.streams):
            idle_ms, age_ms = (now - stream.used) * 1_000, (now - stream.born) * 1_000
            if stream.is_idle and (
                idle_ms >= self._limits.idle_ms or age_ms >= self._limits.age_ms_max
            ):
                closing = self._loop.create_task(stream.aclose())
                self._work.add(closing)
                closing.add_done_callback(self._work.discard)
        self._sweep_timer = None
        if not self._closed and (self._open or self._backend.streams):
            self._sweep_timer = self._loop.call_later(self._sweep_s, self._sweep)


def _engine_request(request: Request) -> httpcore.Request:
    """Give the request in the engine's form, header for header."""
    target = request.target
    lines = (target.head.partition(b"\r\n")[2] + request.headers).split(b"\r\n")
    fields = [(name, value) for name, _, value in (line.partition(b": ") for line in lines if line)]
    fields.append((b"Content-Length", b"%d" % len(request.body)))
    port = None if target.port == DEFAULT_PORTS[target.scheme] else target.port
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=port, target=target.path)
    return httpcore.Request("POST", url, headers=fields, content=request.body)


def _ends_itself(response: httpcore.Response) -> bool:
    """Tell whether the body said where it ends, as every HTTP/2 stream does."""
    return response.extensions.get("http_version") == b"HTTP/2" or ends_itself(response.headers)


def _proxy_address(proxy: str | None) -> tuple[str, int] | None:
    """Give the proxy's host and port."""
    if proxy is None:
        return None
    origin = httpcore.URL(proxy).origin  # with the scheme's own port where none is named
    return origin.host.decode("ascii"), origin.port
