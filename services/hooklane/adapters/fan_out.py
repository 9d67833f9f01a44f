"""An event and who gets it, to records: a Delivery to each lane, and the receipt.

Delivery and Match share their first fields, so these are encoded once an event; what follows them
is the same for all events that match alike, and is kept. Only an endpoint's own three fields and
one hash are made for each delivery. A test holds the bytes to the codec's.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import fastavro

from hooklane.adapters.codec import DeliveryEncoder, RecordCodec, codec
from hooklane.adapters.ports import TransactionalProducer
from hooklane.domain.delivery import Headers, Trigger, to_ms
from hooklane.domain.event import Event
from hooklane.domain.ids import delivery_id
from hooklane.domain.matching import Match
from hooklane.domain.topics import Topics

_HEAD = ("event_id", "tenant", "type", "version", "key", "event_time", "source")
_KEPT_MAX, _KEPT_BYTES_MAX = 10_000, 16 * 1024 * 1024


class _Part:
    """Some consecutive fields of a record, encoded by themselves."""

    def __init__(self, whole: RecordCodec, *, first: str, last: str) -> None:
        fields = whole.newest["fields"]
        names = [field["name"] for field in fields]
        self.names = tuple(names[names.index(first) : names.index(last) + 1])
        chosen = [field for field in fields if field["name"] in self.names]
        self._parsed = fastavro.parse_schema({"type": "record", "name": "Part", "fields": chosen})

    def encode(self, value: Mapping[str, Any]) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self._parsed, value)
        return out.getvalue()


class _Encoder:
    """Encodes what an event's deliveries share, and its receipt."""

    def __init__(self, *, trigger: str, command_id: str) -> None:
        self._trigger, self._command_id = trigger, command_id
        delivery, match = codec("delivery"), codec("match")
        self._head = _Part(delivery, first=_HEAD[0], last=_HEAD[-1])
        self._delivery_rest = _Part(delivery, first="trigger", last="content_type")
        self._receipt_rest = _Part(match, first="table_offset", last="part")
        assert self._head.names == _Part(match, first=_HEAD[0], last=_HEAD[-1]).names == _HEAD
        assert delivery.fields[-1] == match.fields[-1] == "payload"
        self._receipt_header = match.header
        self._circumstances: tuple[int, str] = (-1, "")
        self._rest_of_delivery = b""
        # By the Match's identity; the Match is kept with it, so that identity is never reused.
        self._kept: dict[int, tuple[Match, bytes]] = {}
        self._kept_bytes = 0

    def head(self, event: Event) -> bytes:
        """Encode the fields that both records begin with."""
        source = event.source
        return self._head.encode(
            {
                "event_id": event.event_id,
                "tenant": event.tenant,
                "type": event.event_type,
                "version": event.version,
                "key": event.key,
                "event_time": to_ms(event.event_time),
                "source": {
                    "topic": source.topic,
                    "partition": source.partition,
                    "offset": source.offset,
                },
            }
        )

    def under(self, table_offset: int, content_type: str) -> None:
        """Encode for these circumstances from now on."""
        circumstances = (table_offset, content_type)
        if circumstances == self._circumstances:
            return
        self._circumstances = circumstances
        self._forget()
        rest = {
            "trigger": self._trigger,
            "table_offset": table_offset,
            "content_type": content_type,
        }
        self._rest_of_delivery = self._delivery_rest.encode(rest)

    def tail(self, head: bytes, payload: bytes) -> bytes:
        """Give all a Delivery has after its endpoint's own fields."""
        return head + self._rest_of_delivery + _size(payload) + payload

    def receipt(self, head: bytes, match: Match, *, payload: bytes) -> bytes:
        """Give a Match record; its payload is null where nothing matched."""
        # A later part is written once.
        rest = self._receipt_rest.encode(self._rest(match)) if match.part else self._known(match)
        begun = self._receipt_header + head + rest
        # The union's branch, null or bytes.
        return begun + b"\2" + _size(payload) + payload if match.matched else begun + b"\0"

    def _known(self, match: Match) -> bytes:
        kept = self._kept.get(id(match))
        if kept is None:
            kept = match, self._receipt_rest.encode(self._rest(match))
            if len(self._kept) >= _KEPT_MAX or self._kept_bytes >= _KEPT_BYTES_MAX:
                self._forget()
            self._kept[id(match)] = kept
            self._kept_bytes += len(kept[1])
        return kept[1]

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0

    def _rest(self, match: Match) -> dict[str, Any]:
        return {
            "table_offset": self._circumstances[0],
            "trigger": self._trigger,
            "command_id": self._command_id,
            "matched": [endpoint.endpoint_id for endpoint in match.matched],
            "refused": [
                {"endpoint_id": refusal.endpoint_id, "reason": refusal.reason}
                for refusal in match.refused
            ],
            "part": match.part,
        }


class FanOut:
    """Writes what follows from a match, inside the transaction that is open."""

    def __init__(
        self, topics: Topics, *, trigger: Trigger = Trigger.EVENT, command_id: str = ""
    ) -> None:
        """Write under these names, and say why: the trigger, and the command where it is one."""
        self._matches = topics.matches
        self._why, self._command_id = trigger.value, command_id
        self._deliveries = DeliveryEncoder()
        self._encoder = _Encoder(trigger=self._why, command_id=command_id)
        # Where receipts go; None: by their key. A transaction that touches one partition of them
        # needs one marker for all, and nobody reads receipts by their key.
        self.receipts_partition: int | None = None

    def write(
        self,
        producer: TransactionalProducer,
        event: Event,
        *,
        match: Match,
        table_offset: int,
        headers: Headers,
    ) -> None:
        """Write an event's deliveries and its receipt.

        Args:
            producer: a transaction is open on it.
            event: what happened.
            match: who gets it.
            table_offset: how far the endpoint table was.
            headers: `first_headers` of now.
        """
        event_id, key, encoder = event.event_id, event.key, self._encoder
        why, command_id = self._why, self._command_id
        encoder.under(table_offset, event.content_type)
        head = encoder.head(event)
        if match.matched:
            delivery, tail = self._deliveries.delivery, encoder.tail(head, event.payload)
            for endpoint in match.matched:
                lane = endpoint.placement
                assert lane is not None, "the index refuses an endpoint without a lane"
                endpoint_id = endpoint.endpoint_id
                made = delivery_id(
                    event_id=event_id, endpoint_id=endpoint_id, trigger=why, command_id=command_id
                )
                value = delivery(
                    tail, delivery_id=made, endpoint_id=endpoint_id, command_id=command_id
                )
                producer.produce(
                    lane.topic, value, key=key, headers=headers, partition=lane.partition
                )
        receipt = encoder.receipt(head, match, payload=event.payload)
        producer.produce(
            self._matches, receipt, key=event_id.encode(), partition=self.receipts_partition
        )


def _size(raw: bytes) -> bytes:
    """Encode a length as Avro does: a zigzag varint."""
    rest, out = len(raw) << 1, bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
