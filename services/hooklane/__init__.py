"""Hooklane delivers webhooks from Kafka and loses nothing. Read this first.

The flow. Producers publish versioned Avro events to topics `events.*` with their stock
serializers. The *matcher* reads each event, finds the endpoints whose subscription wants its type,
renders the JSON payload once and, in one Kafka transaction, appends a Delivery to the lane of each
endpoint, a receipt to `hooklane.matches` and its own offsets. The *deliverer* reads the lanes,
signs and POSTs. What each POST met is an outcome; what follows from it is a verdict: Delivered,
RetryAt, Dead or Cancelled. Every quarter second one transaction, a tick, holds the attempts, the
retries, the dead letters and the lane offsets. The *retrier* copies a waiting delivery from its
tier back to its lane when it is due. The *replayer* puts dead letters back when they are redriven,
and sends past events again: one (a resend) or a range of the log (a replay). The *recorder* writes
receipts, attempts and dead letters to SQL, where the *control* API and the `hooklane` command read
them. Control also owns what people edit: tenants and endpoints, in SQL, published through an outbox
to the compacted topic `hooklane.endpoints`, of which every process keeps its own copy, the endpoint
table. For producers without a Kafka client the *publisher* takes events over HTTP.

Processes never call each other: they meet only on topics. Matcher, deliverer, retrier and replayer
need Kafka alone, also to restart; deliveries go on while the database, the registry or the API is
away.

The words. An *event* (`evt_…`) is one immutable fact, and its id is the receiver's idempotency key
(`webhook-id`). A *delivery* (`dlv_…`) is the obligation to bring one event to one *endpoint*
(`ep_…`) of a *tenant*. An *attempt* (`att_…`) is one HTTP request. A *lane* is where an
endpoint's deliveries wait, so that one endpoint's trouble is its own: a topic, or a partition of
the pool that endpoints without one share. A *retry tier* is one delay and its topic. A *dead
letter* is a delivery that is Dead; a *redrive* puts it back in its lane.

The promises, each with a test that can fail. No event is lost, whatever process is killed at
whatever moment. Fan-out, retries and dead letters are exactly once; HTTP is at least once, with
the same `webhook-id`. Nothing is attempted before it is due. Payload bytes never change between
attempts. `order: key` is kept across crashes and retries. One endpoint's trouble does not slow
another's deliveries. One tenant never sees or affects another's data. Memory is bounded whatever
the backlog. SIGTERM drains within 30 s. Wrong input gets a clear error at the door it came through.

Where things are. `domain` holds the words and rules and imports the standard library only;
`adapters` the world behind small ports; each service folder one process, of the same five parts:
`__init__` (Reads, Decides, Writes, Guarantees, When it fails), `settings`, pure modules named by
nouns, `worker` (poll, decide, effects, commit) and `__main__`, the only place that names concrete
adapters. A service never imports another.
"""
