"""Publishes events to their topics, checked against their schema before they leave.

A library:

    publisher = connect(load(KafkaSettings), load(RegistrySettings))
    publisher.publish("order.created", {"order_id": …}, tenant="acme", key="customer-7")
    publisher.flush()

and a process, `python -m hooklane.publisher`, that takes `POST /v1/events`: one event, or
`{"events": […]}`.

Reads: the schema registry (subject = event type), the list of topics; it registers nothing, and
needs no database.

Decides: whether the values are of the schema, and if not, which field is wrong and what it should
be; ISO times, decimals as text and base64 are taken as JSON has no types for them. The process:
whose key it is and for which tenant it may publish.

Writes: one record an event to `events.<namespace>`, framed as any Confluent serializer does it,
with CloudEvents headers.

Guarantees: nothing that breaks its schema is written, and of a batch with one wrong event nothing
at all; what `flush` returned from, and what was answered 202, is on the brokers (acks=all,
idempotent producer). The event's id is the `webhook-id` receivers will see; it is a hash of tenant,
type, source and id there, so the same `id` or `Idempotency-Key` again is the same event. It is
then written again, and a receiver may get it twice: under the same `webhook-id`.

When it fails: Refused for what the caller can mend; Unavailable while Kafka is away, or the
registry and the schema is not known yet. A 503 after the brokers did not answer in time says that
the events may have been written: the same call again is safe. Processes of it know nothing of each
other; any number may run.
"""

from hooklane.publisher.connection import connect
from hooklane.publisher.event_record import Published
from hooklane.publisher.publisher import Publisher

__all__ = ["Published", "Publisher", "connect"]
