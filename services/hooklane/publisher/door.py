"""The ingest door: checks a request's events, all or none, and writes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from hooklane.adapters.problems import TooLarge
from hooklane.domain.errors import BrokenContract, Invalid, NotFound, Refused
from hooklane.publisher.access import Caller
from hooklane.publisher.acks import Acks
from hooklane.publisher.event_record import EventRecord, event_record
from hooklane.publisher.lookups import Lookups
from hooklane.publisher.requests import (
    EventDraft,
    Ingested,
    IngestedEvent,
    drafts_of,
    id_of,
    idempotency_key_of,
)

# So many are checked before other requests have their turn.
CHECKED_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    """What a request may hold, and what events that name no source get."""

    events_max: int
    event_bytes_max: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Takes requests' bodies; all on one loop."""

    lookups: Lookups
    acks: Acks
    settings: DoorSettings

    async def take(self, body: bytes, *, caller: Caller, idempotency_key: str | None) -> Ingested:
        """Publish a body's events; return when the brokers have all of them.

        Raises:
            Refused: something is wrong with it; field and index are named, nothing was written.
            Unavailable: Kafka or the registry is away.
        """
        given = idempotency_key_of(idempotency_key)
        drafts, is_batch = drafts_of(body, events_max=self.settings.events_max)
        records: list[EventRecord] = []
        for index, draft in enumerate(drafts):
            if index and index % CHECKED_AT_ONCE == 0:
                await asyncio.sleep(0)
            place = index if is_batch else None
            try:
                event_id = id_of(draft, index=place, idempotency_key=given)
                records.append(await self._record(draft, caller=caller, event_id=event_id))
            except (Refused, BrokenContract) as error:
                raise named(error, place) from None
        await self.acks.write(records)
        return answer_of(drafts, records, tenants=[caller.tenant_of(one.tenant) for one in drafts])

    async def _record(
        self, draft: EventDraft, *, caller: Caller, event_id: str | None
    ) -> EventRecord:
        about = draft.about(tenant=caller.tenant_of(draft.tenant), event_id=event_id)
        size, size_max = len(orjson.dumps(draft.values)), self.settings.event_bytes_max
        if size > size_max:
            raise TooLarge(f"data: has {size} bytes as JSON, more than {size_max}")
        ready = await self.lookups.ready(draft.event_type, draft.version)
        return event_record(
            ready, draft.event_type, values=draft.values, about=about, source=self.settings.source
        )


def answer_of(
    drafts: Sequence[EventDraft], records: Sequence[EventRecord], *, tenants: Sequence[str]
) -> Ingested:
    """Say what was published."""
    return Ingested(
        events=[
            IngestedEvent(
                id=record.published.event_id or "",
                type=draft.event_type,
                version=record.published.version,
                tenant=tenant,
                source=record.published.source,
                id_in_source=record.published.id_in_source,
            )
            for draft, record, tenant in zip(drafts, records, tenants, strict=True)
        ]
    )


def named(error: Refused | BrokenContract, index: int | None) -> Refused:
    """Put an event's place in a batch before what is wrong with it.

    An event type that is not there is a wrong field, not a wrong address.
    """
    kind = type(error) if isinstance(error, Refused) else Invalid
    if isinstance(error, NotFound):
        kind = Invalid
    place = "" if index is None else f"events.{index}: "
    fields = error.fields if index is None else {**error.fields, "index": index}
    return kind(f"{place}{error.detail}", **fields)
