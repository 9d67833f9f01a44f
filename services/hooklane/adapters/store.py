"""What services ask of SQL, as ports and plain values; `adapters.sql` keeps them.

SQL is the source of truth for what people edit, and holds the attempt log. Every change of an
endpoint and every command is written with its outbox row in one transaction; every reader's
offsets move, by compare-and-set, in the transaction of the rows they stand for. Any call may raise
Unavailable: the database did not answer, and nothing was written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from hooklane.adapters.health_store import HealthStore
from hooklane.adapters.lane_store import LaneStore
from hooklane.adapters.log_store import AttemptFilter as AttemptFilter  # noqa: PLC0414  told on
from hooklane.adapters.log_store import Cursor as Cursor  # noqa: PLC0414  told on
from hooklane.adapters.log_store import (
    DeadLetterFilter as DeadLetterFilter,  # noqa: PLC0414  told on
)
from hooklane.adapters.log_store import LogStore
from hooklane.adapters.log_store import PageRequest as PageRequest  # noqa: PLC0414  told on
from hooklane.adapters.log_store import Row as Row  # noqa: PLC0414  told on
from hooklane.adapters.replay_store import ReplayStore
from hooklane.domain.delivery import Headers
from hooklane.domain.endpoint import Endpoint, EndpointState, SealedHeaders
from hooklane.domain.explanation import KnownRevision
from hooklane.domain.topics import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A customer on whose behalf events are published and endpoints registered."""

    name: str
    created_at: datetime
    uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointNote:
    """What a caller notes of an endpoint; it travels to no topic.

    `uid` is the caller's own name for it, one endpoint's at a time within a tenant; `draft` is what
    it was created from, sealed, so that the same create can be told from another. `pinned`: its
    lane was chosen by hand, and nobody moves it for being busy or quiet.
    """

    uid: str | None = None
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    draft: SealedHeaders | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEndpoint:
    """An endpoint's newest revision, and how far the world knows of it.

    `announced_offset` is the table position past the record of `announced_revision`; `lane_topic`
    is its own lane, also while it no longer has a placement, None in the pool; `lanes_left` are
    lanes it had, which no revision names any more and which still exist.
    """

    endpoint: Endpoint
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    announced_revision: int = 0
    announced_offset: int | None = None
    lane_topic: str | None = None
    lanes_left: tuple[str, ...] = ()
    note: EndpointNote = EndpointNote()

    @property
    def announced(self) -> int | None:
        """Give the table position past the newest revision, None while it is not on its topic."""
        newest = self.announced_revision == self.endpoint.revision
        return self.announced_offset if newest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A record that SQL owes a topic; `lane` must exist before it is written."""

    outbox_id: int
    topic: str
    key: bytes
    value: bytes | None
    lane: str | None
    endpoint_id: str
    revision: int
    created_at: datetime
    headers: Headers = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFilter:
    """Which endpoints to list; deleted ones only when their state is asked for."""

    tenant: str | None = None
    state: EndpointState | None = None
    uid: str | None = None
    endpoint_id: str | None = None


# Gives the new revision (revision + 1), within what is kept where its note changes too, or None to
# leave it; raises what the caller is told.
Decide = Callable[[KeptEndpoint], Endpoint | KeptEndpoint | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    """An API key, as far as it is kept: never the key itself."""

    key_id: str
    name: str
    tenant: str | None
    may_write: bool
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class KeyStore(Protocol):
    """What authentication asks of SQL; `digest` is a key's SHA-256, in hexadecimal digits."""

    def add_key(self, key: KeptKey, *, digest: str, keys_max: int) -> None:
        """Keep a new key.

        Raises:
            Invalid: its tenant does not exist.
            Conflict: there are `keys_max` keys that are not revoked.
        """

    def key_of(self, digest: str) -> KeptKey | None:
        """Give the key of a digest, also a revoked one."""

    def keys(self, page: PageRequest, *, tenant: str | None = None) -> list[KeptKey]:
        """List keys, newest first."""

    def note_use(self, key_id: str, *, at: datetime) -> None:
        """Note that a key was used."""

    def revoke_key(self, key_id: str, *, at: datetime) -> KeptKey:
        """Revoke a key; one revoked before stays so since then.

        Raises:
            NotFound: there is none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A Command record on its way to the outbox."""

    topic: str
    key: bytes
    value: bytes
    endpoint_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetMove:
    """A reader's step from one offset to the next; it is refused where the first is not there."""

    partition: Partition
    expected: int | None
    offset: int


class LostRace(Exception):
    """Another process moved this reader's offsets; nothing was written: read them anew."""


class Outbox(Protocol):
    """What the relay asks of SQL."""

    def unpublished(self, limit: int) -> list[OutboxRow]:
        """Give rows not yet on their topic, in id order; never those above a cursor only."""

    def take_hold(self) -> int:
        """Give the next holder's number; an earlier one no longer moves the relay's offsets."""

    def let_go(self, holder: int) -> None:
        """Note that this holder ended well: who was fenced may take over at once."""

    def is_free(self) -> bool:
        """Tell whether the newest holder let go."""

    def mark_published(
        self,
        positions: Mapping[int, int],
        tails: Mapping[Partition, int],
        *,
        holder: int,
        at: datetime,
    ) -> None:
        """Note the position past each row's record, and how far the topics were read for it.

        Args:
            positions: by outbox id.
            tails: where a later holder begins to look for records that were not marked.
            holder: from `take_hold`; of an earlier holder the tails are not taken.
            at: when.
        """

    def forget_published(self, *, at: datetime) -> None:
        """Drop rows published a week ago."""

    def offsets(self, reader: str) -> dict[Partition, int]:
        """Give how far a reader has come."""


class RevisionStore(Protocol):
    """What explain asks of SQL: the revisions an endpoint had."""

    def revision_at(self, endpoint_id: str, table_offset: int) -> KnownRevision | None:
        """Give the revision in force at a position of the endpoint table, None before the first."""

    def first_revision(self, endpoint_id: str) -> KnownRevision | None:
        """Give the oldest revision that is known."""

    def revisions_above(
        self, endpoint_id: str, *, revision: int, limit: int
    ) -> list[KnownRevision]:
        """Give the revisions above this one, oldest first."""


class ControlStore(
    Outbox, KeyStore, LogStore, RevisionStore, HealthStore, ReplayStore, LaneStore, Protocol
):
    """What the control plane asks of SQL."""

    def add_tenant(self, name: str, *, at: datetime, uid: str | None = None) -> Tenant:
        """Add a tenant; where its uid is taken, give the one that has it.

        Raises:
            Conflict: there is one of this name.
        """

    def tenant(self, name: str) -> Tenant:
        """Give a tenant.

        Raises:
            NotFound: there is none.
        """

    def tenants(self, page: PageRequest) -> list[Tenant]:
        """List tenants, oldest first."""

    def add_endpoint(
        self,
        endpoint: Endpoint,
        *,
        at: datetime,
        lanes_max: int,
        note: EndpointNote | None = None,
        pooled: Endpoint | None = None,
    ) -> KeptEndpoint:
        """Add an endpoint's first revision, and its outbox row; where its uid is taken, give that.

        Args:
            endpoint: as it is with a lane of its own.
            at: when.
            lanes_max: how many endpoints have one.
            note: what its caller notes of it.
            pooled: as it is where no lane is free; None where it needs one.

        Raises:
            Invalid: its tenant does not exist.
            Conflict: no lane is free, and it needs one.
        """

    def endpoint(self, endpoint_id: str) -> KeptEndpoint:
        """Give an endpoint, also a deleted one.

        Raises:
            NotFound: there is none.
        """

    def endpoints(self, chosen: EndpointFilter, page: PageRequest) -> list[KeptEndpoint]:
        """List endpoints, oldest first."""

    def change_endpoint(
        self,
        endpoint_id: str,
        decide: Decide,
        *,
        at: datetime,
        moves: Sequence[OffsetMove] = (),
        reader: str = "",
    ) -> KeptEndpoint:
        """Decide on the newest revision and write the next, its outbox row and offset moves.

        Raises:
            NotFound: there is none.
            LostRace: an offset was not where it was expected.
        """

    def move_offsets(self, reader: str, moves: Sequence[OffsetMove]) -> None:
        """Move a reader's offsets alone.

        Raises:
            LostRace: an offset was not where it was expected.
        """

    def add_command(self, command: Command, *, at: datetime) -> None:
        """Write a command's outbox row."""

    def announce_again(self, endpoint_id: str, *, at: datetime, above: int = 0) -> None:
        """Write an outbox row for the newest revision anew, raised above `above` if need be."""

    def deleted_endpoints(self) -> list[KeptEndpoint]:
        """Give deleted endpoints whose lane or table entry still exists."""

    def bury(self, endpoint_id: str, *, at: datetime) -> None:
        """Write the tombstone's outbox row."""

    def oldest_unpublished(self) -> datetime | None:
        """Give when the oldest row not yet on its topic was written."""

    def unpublished_count(self) -> int:
        """Count rows not yet on their topic."""

    def ping(self) -> None:
        """Ask whether the database answers and has our tables."""

    def close(self) -> None:
        """Let the connections go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One batch of the recorder: rows, and the offsets they move.

    `dead_letters` are whole rows, newest of each delivery; `redriven` are delivery ids and when
    their tombstone was appended (unix ms); `gaps` are rows of the gap list.
    """

    attempts: Sequence[Row] = ()
    receipts: Sequence[Row] = ()
    dead_letters: Sequence[Row] = ()
    redriven: Mapping[str, int]
    gaps: Sequence[Row] = ()
    moves: Collection[OffsetMove] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long rows stay, and how long what they hold of payloads and response bodies."""

    rows: timedelta = timedelta(days=30)
    payloads: timedelta = timedelta(days=30)


class RecorderStore(Protocol):
    """What the recorder asks of SQL."""

    def offsets(self, reader: str) -> dict[Partition, int]:
        """Give how far a reader has come."""

    def record(self, reader: str, batch: Recorded) -> None:
        """Write rows and offsets, all or nothing.

        Raises:
            LostRace: an offset was not where it was expected.
        """

    def tend(self, keep: Keep, *, at: datetime) -> bool:
        """Make room ahead and drop what is old, a bounded piece; tell whether more is left."""

    def ping(self) -> None:
        """Ask whether the database answers and has our tables."""

    def close(self) -> None:
        """Let the connections go."""
