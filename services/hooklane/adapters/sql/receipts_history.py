"""Receipts as the control plane reads them: of many events, and all of one."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from hooklane.adapters.log_store import PageRequest, ReceiptFilter, Row
from hooklane.adapters.sql.listing import (
    Listing,
    between,
    containing,
    equal,
    in_payload,
    page_of,
)
from hooklane.adapters.sql.tables import receipts
from hooklane.domain.delivery import Trigger

_PAYLOAD = ("payload", "payload_text")


class SqlReceipts(Listing):
    """Reads receipts; `matched` and `refused` come as lists."""

    def receipts(self, chosen: ReceiptFilter, page: PageRequest) -> list[Row]:
        """List receipts, newest first, without their payloads."""
        return [_opened(row) for row in self._rows(self._receipts_query(chosen, page))]

    def receipts_of(self, event_id: str, *, limit: int) -> list[Row]:
        """Give an event's receipts with their payloads, the oldest first."""
        columns = receipts.c
        query = (
            sa.select(receipts)
            .where(columns.event_id == event_id)
            .order_by(columns.received_at, columns.receipt_id)
            .limit(limit)
        )
        return [_opened(row) for row in self._rows(query)]

    def _receipts_query(self, chosen: ReceiptFilter, page: PageRequest) -> sa.Select[Any]:
        columns = receipts.c
        conditions = equal(
            {
                columns.tenant: chosen.tenant,
                columns.event_id: chosen.event_id,
                columns.type: chosen.type,
            }
        )
        conditions += between(columns.received_at, since=chosen.since, until=chosen.until)
        if chosen.endpoint_id is not None:
            conditions.append(containing(columns.matched, json.dumps(chosen.endpoint_id)))
        if chosen.events_only:
            conditions.append(columns.trigger == Trigger.EVENT.value)
            if chosen.endpoint_id is None and not chosen.parts:
                conditions.append(columns.part == 0)
        if chosen.text is not None:
            conditions.append(in_payload(self._engine, chosen.text))
        shown = (column for column in columns if column.name not in _PAYLOAD)
        query = sa.select(*shown).where(*conditions)
        return page_of(query, page, time=columns.received_at, row_id=columns.receipt_id)


def _opened(row: Row) -> Row:
    return row | {"matched": json.loads(row["matched"]), "refused": json.loads(row["refused"])}
