"""The sandbox: a receiver that verifies, shows what came, and fails on purpose.

Reads requests on loopback; any path takes webhooks, and says by its words how it is answered
(`behaviour`). `GET /received` and `GET /stats` give what came as JSON (`journal`). Where secrets
are given, a request that none of them signed is answered 401 whatever its path asks for; without
secrets it is shown as unverified. Memory is bounded; the order of answers on a connection kept.
"""

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs

from hooklane.adapters.ports import Clock
from hooklane.domain.errors import Invalid
from hooklane.receiver.behaviour import Answer, Ending, Rule, behaviour_of, decide
from hooklane.receiver.connection import Connection, Reply, Request
from hooklane.receiver.journal import RECEIVED_MAX, Journal, Received
from hooklane.receiver.verify import VerificationFailed, Webhook

VERIFIED: Final = "verified"
UNVERIFIED: Final = "unverified"
HOST: Final = "127.0.0.1"
TYPES_SHOWN_MAX: Final = 3


class Sandbox:
    """Judges requests one at a time; it does no I/O but `show`."""

    def __init__(
        self,
        *,
        clock: Clock,
        chance: random.Random,
        secrets: Sequence[str] = (),
        rules: Iterable[Rule] = (),
        show: Callable[[Received], None] = lambda _: None,
    ) -> None:
        """Prepare a sandbox.

        Raises:
            Invalid: a secret can't be read.
        """
        self._clock = clock
        self._chance = chance
        self._rules = tuple(rules)
        self._show = show
        self.journal = Journal()
        try:
            self._webhook = Webhook(secrets) if secrets else None
        except ValueError as error:
            raise Invalid(str(error)) from error

    def respond(self, request: Request) -> Reply:
        """Give the reply to a request, and remember and show it if it is not about the sandbox."""
        if request.method == "GET":
            path, _, query = request.target.partition("?")
            if path == "/received":
                return _told(self.journal.received(limit=_limit_of(query)))
            if path == "/stats":
                return _told(self.journal.stats())
        return self._receive(request)

    def _receive(self, request: Request) -> Reply:
        webhook_id = request.headers.get("webhook-id", "")
        attempt = self.journal.attempt(request.target, webhook_id)
        verification = self._verify(request)
        told = {"webhook_id": webhook_id, "attempt": attempt, "verification": verification}
        try:
            behaviour = behaviour_of(request.target, self._rules)
            answer = decide(behaviour, attempt=attempt, chance=self._chance.random())
        except Invalid as error:
            answer = Answer(status=400)
            told["error"] = str(error)
        if verification not in (VERIFIED, UNVERIFIED):
            answer = Answer(status=401)
        received = replace(
            _received_of(request, attempt=attempt, verification=verification),
            at=self._clock.now().isoformat(timespec="milliseconds"),
            answer=_name_of(answer),
        )
        self.journal.add(received)
        self._show(received)
        return Reply(answer=answer, body=json.dumps(told).encode())

    def _verify(self, request: Request) -> str:
        if self._webhook is None:
            return UNVERIFIED
        try:
            self._webhook.check(request.body, request.headers, now=self._clock.now())
        except VerificationFailed as failure:
            return failure.reason.value
        return VERIFIED


class Server:
    """A sandbox that listens."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._live: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0, *, host: str = HOST) -> int:
        """Listen, on loopback unless told otherwise; give the port, a free one for 0."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._sandbox.respond, self._live), host, port, backlog=1024
        )
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
            for connection in tuple(self._live):
                connection.cut()
            await self._server.wait_closed()


def _name_of(answer: Answer) -> str:
    cut = answer.ending in (Ending.RESET, Ending.HANG)
    return str(answer.ending.value if cut else answer.status)


def _received_of(request: Request, *, attempt: int, verification: str) -> Received:
    read = _json_of(request.body)
    batch = read if isinstance(read, list) else []
    return Received(
        at="",
        method=request.method,
        target=request.target,
        webhook_id=request.headers.get("webhook-id", ""),
        type=_types_of(batch or [read]),
        version=request.headers.get("x-webhook-version", ""),
        attempt=attempt,
        verification=verification,
        answer="",
        headers=request.headers,
        body=request.body.decode(errors="replace"),
        batch=len(batch),
    )


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _types_of(events: Sequence[Any]) -> str:
    """Name the types of what came, each once, a few of them."""
    types = dict.fromkeys(str(event.get("type", "")) for event in events if isinstance(event, dict))
    named = list(types)
    return ", ".join([*named[:TYPES_SHOWN_MAX], *(["…"] if named[TYPES_SHOWN_MAX:] else [])])


def _limit_of(query: str) -> int:
    text = parse_qs(query).get("limit", [""])[0]
    short = text.isascii() and text.isdigit() and len(text) < len(str(RECEIVED_MAX * 10))
    return min(int(text), RECEIVED_MAX) if short else RECEIVED_MAX


def _told(value: dict[str, Any]) -> Reply:
    return Reply(answer=Answer(status=200), body=json.dumps(value).encode())


def line_of(received: Received) -> str:
    """Write one received request as a line for people."""
    parts = [
        received.at,
        received.method,
        received.target,
        received.type or "-",
        f"v{received.version}" if received.version else "-",
        received.webhook_id or "-",
        *([f"batch of {received.batch}"] if received.batch else []),
        f"attempt {received.attempt}",
        received.verification,
        f"-> {received.answer}",
    ]
    # what came from outside must not move a terminal's cursor
    return "".join(char if char.isprintable() else "?" for char in "  ".join(parts))
