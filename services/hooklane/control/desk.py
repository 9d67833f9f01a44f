"""Everything the API's routes share: the store, the board, the rules, and how a change is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.responses import Response

from hooklane.adapters.codec import codec
from hooklane.adapters.ports import Clock
from hooklane.adapters.store import Command, ControlStore, Decide, KeptEndpoint
from hooklane.control.answers import EndpointAnswer, endpoint_answer
from hooklane.control.board import Board
from hooklane.control.drafts import Rules
from hooklane.control.known_types import KnownTypes
from hooklane.control.portal_tokens import PortalTokens
from hooklane.control.rotation import drop_ended
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import BrokenContract
from hooklane.domain.ids import new_command_id
from hooklane.domain.topics import Topics

ACCEPTED = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What answers requests; `ring` wakes the relay."""

    store: ControlStore
    board: Board
    rules: Rules
    topics: Topics
    clock: Clock
    ring: Callable[[], None]
    tokens: PortalTokens
    known_types: KnownTypes
    effective_wait: timedelta
    probe_wait: timedelta
    lanes_max: int
    keys_max: int

    def change(self, endpoint_id: str, decide: Decide) -> KeptEndpoint:
        """Write an endpoint's next revision, without secrets that ended, and have it published."""
        now = self.clock.now()

        def decide_and_drop(kept: KeptEndpoint) -> Endpoint | KeptEndpoint | None:
            decided = decide(kept)
            if isinstance(decided, KeptEndpoint):
                return replace(decided, endpoint=drop_ended(decided.endpoint, now=now))
            return None if decided is None else drop_ended(decided, now=now)

        kept = self.store.change_endpoint(endpoint_id, decide_and_drop, at=now)
        self.ring()
        return kept

    def tell(
        self, kept: KeptEndpoint, response: Response, *, secret: str | None = None
    ) -> EndpointAnswer:
        """Answer a change: wait for it to be effective, 202 where it is not yet."""
        endpoint = kept.endpoint
        effective = self.board.wait(
            endpoint.endpoint_id,
            endpoint.revision,
            timeout=self.effective_wait,
            look=lambda: self._announced(endpoint.endpoint_id, endpoint.revision),
        )
        if not effective:
            response.status_code = ACCEPTED
        return self._answer(kept, response, effective=effective, secret=secret)

    def show(self, kept: KeptEndpoint, response: Response | None = None) -> EndpointAnswer:
        """Answer with an endpoint as it is."""
        return self._answer(kept, response, effective=self.board.is_effective(kept))

    def order(self, kind: str, *, endpoint_id: str, tenant: str, **fields: object) -> str:
        """Owe the data plane a command; give its id."""
        command_id, command = self.command(kind, endpoint_id=endpoint_id, tenant=tenant, **fields)
        self.store.add_command(command, at=self.clock.now())
        self.ring()
        return command_id

    def command(
        self, kind: str, *, endpoint_id: str, tenant: str, **fields: object
    ) -> tuple[str, Command]:
        """Make a command to be written with something else; give its id with it."""
        command_id = new_command_id()
        now = self.clock.now()
        value = codec("command").encode(
            {
                "command_id": command_id,
                "kind": kind,
                "endpoint_id": endpoint_id,
                "tenant": tenant,
                "issued_at": to_ms(now),
                "revision": 0,
                "reason": "",
                "since": None,
                "count_max": 0,
                "delivery_ids": [],
                "positions": [],
                **fields,
            }
        )
        key = (endpoint_id or command_id).encode()
        return command_id, Command(
            topic=self.topics.commands, key=key, value=value, endpoint_id=endpoint_id
        )

    def _announced(self, endpoint_id: str, revision: int) -> int | None:
        kept = self.store.endpoint(endpoint_id)
        return kept.announced_offset if kept.announced_revision >= revision else None

    def _answer(
        self,
        kept: KeptEndpoint,
        response: Response | None,
        *,
        effective: bool,
        secret: str | None = None,
    ) -> EndpointAnswer:
        endpoint = kept.endpoint
        if response is not None:
            response.headers["ETag"] = f'"{endpoint.revision}"'
        names: list[str] = []
        if endpoint.sealed_headers is not None:
            try:
                opened = self.rules.open_headers(endpoint.sealed_headers, endpoint.endpoint_id)
                names = list(opened)
            except BrokenContract:
                names = ["(unreadable: their sealing key is not among ours)"]
        flow = self.board.flow(endpoint.endpoint_id)
        return endpoint_answer(
            kept, effective=effective, header_names=names, secret=secret, flow=flow
        )
