"""Control: tenants, endpoints and commands, over HTTP.

Reads: the database, `hooklane.positions` (who has read which change), `hooklane.commands`
(Disable), `hooklane.attempts` (health), and on request the tails of the topics it tells of.
Decides: whether a request is valid, which revision comes next, which endpoints move into the pool
and out of it, which fail for so long that they are disabled, when the exhaustion guard holds, when
a lane that nobody needs goes.
Writes: the database; through its outbox `hooklane.endpoints`, `hooklane.commands` and
`events.<prefix>` (operational events); lanes; the operational events' schemas in the registry.
Guarantees: an answered change is in SQL and reaches its topic exactly as written, in order, whoever
of several control processes relays it; an answer that says `effective: true` holds for every event
appended afterwards; secrets leave it once, in the answer that made them.
When it fails: deliveries go on; the next one publishes what was owed.
"""
