"""Publishes events to their topics, checked against their schema before they leave.

    publisher = connect(load(KafkaSettings), load(RegistrySettings))
    publisher.publish("order.created", {"order_id": …}, tenant="acme", key="customer-7")
    publisher.flush()

Reads: the schema registry (subject = event type); it registers nothing.

Decides: whether the values are of the schema, and if not, which field is wrong and what it should
be; ISO times, decimals as text and base64 are taken as JSON has no types for them.

Writes: one record an event to `events.<namespace>`, framed as any Confluent serializer does it,
with CloudEvents headers.

Guarantees: nothing that breaks its schema is written; what `flush` returned from is on the
brokers, once (idempotent producer); `Published.event_id` is the `webhook-id` receivers will see.

When it fails: Refused for what the caller can mend; Unavailable while registry or Kafka is away.
"""

from hooklane.publisher.connection import connect
from hooklane.publisher.publisher import Published, Publisher

__all__ = ["Published", "Publisher", "connect"]
