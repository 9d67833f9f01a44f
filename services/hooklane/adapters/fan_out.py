"""An event and who gets it, to records: a Delivery to each lane, and the receipt.

What the event's deliveries share is encoded once; only an endpoint's own three fields and one hash
are made for each of them.
"""

from __future__ import annotations

from hooklane.adapters.codec import DeliveryEncoder, codec
from hooklane.adapters.ports import TransactionalProducer
from hooklane.domain.delivery import Headers, Trigger, to_ms
from hooklane.domain.event import Event
from hooklane.domain.ids import delivery_id
from hooklane.domain.matching import Match
from hooklane.domain.topics import Topics


class FanOut:
    """Writes what follows from a match, inside the transaction that is open."""

    def __init__(self, topics: Topics) -> None:
        """Write under these names."""
        self._matches = topics.matches
        self._deliveries, self._receipts = DeliveryEncoder(), codec("match")

    def write(
        self,
        producer: TransactionalProducer,
        event: Event,
        match: Match,
        *,
        table_offset: int,
        headers: Headers,
        trigger: Trigger = Trigger.EVENT,
        command_id: str = "",
    ) -> None:
        """Write an event's deliveries and its receipt.

        Args:
            producer: a transaction is open on it.
            event: what happened.
            match: who gets it.
            table_offset: how far the endpoint table was.
            headers: `first_headers` of now.
            trigger: why.
            command_id: the command that asked for it, empty for an event.
        """
        why, event_id, key = trigger.value, event.event_id, event.key
        shared = {
            "event_id": event_id,
            "tenant": event.tenant,
            "type": event.event_type,
            "version": event.version,
            "key": key,
            "event_time": to_ms(event.event_time),
            "source": {
                "topic": event.source.topic,
                "partition": event.source.partition,
                "offset": event.source.offset,
            },
            "trigger": why,
            "table_offset": table_offset,
            "content_type": event.content_type,
            "payload": event.payload,
        }
        if match.matched:
            encoder, tail = self._deliveries, self._deliveries.tail(shared)
            for endpoint in match.matched:
                lane = endpoint.placement
                assert lane is not None, "the index refuses an endpoint without a lane"
                endpoint_id = endpoint.endpoint_id
                made = delivery_id(
                    event_id=event_id, endpoint_id=endpoint_id, trigger=why, command_id=command_id
                )
                value = encoder.delivery(
                    tail, delivery_id=made, endpoint_id=endpoint_id, command_id=command_id
                )
                producer.produce(
                    lane.topic, value, key=key, headers=headers, partition=lane.partition
                )
        shared["command_id"] = command_id
        shared["matched"] = [endpoint.endpoint_id for endpoint in match.matched]
        shared["refused"] = [
            {"endpoint_id": refusal.endpoint_id, "reason": refusal.reason}
            for refusal in match.refused
        ]
        shared["part"] = 0
        if not match.matched:
            shared["payload"] = None
        producer.produce(self._matches, self._receipts.encode(shared), key=event_id.encode())
