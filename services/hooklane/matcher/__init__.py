"""Matches each event with the endpoints that subscribed, and fans it out to their lanes.

Reads: the source topics (setting `HOOKLANE_MATCHER_SOURCES`, by default `events.*`; group
`hooklane.matcher`, read_committed), the endpoint table, and `hooklane.schemas`, which is filled
from the schema registry.

Decides: which event a record is (type, version, tenant, id), who gets it, and what its payload is;
a record that is no event, by which reason.

Writes: a Delivery to each lane, a Match receipt to `hooklane.matches`, what broke its contract to
`hooklane.rejected-events`, and the source offsets, all in one transaction a batch; new schemas to
`hooklane.schemas`, and how far its endpoint table is to `hooklane.positions`.

Guarantees: each event is fanned out exactly once, whatever is killed whenever (at least once under
`fanout_guarantee = at_least_once`); an event appended after a change of an endpoint was reported
effective is matched with that change; a deployment begins with the events appended after its
first start, and misses none from then on; a batch is as small as one event when nothing waits. A
fan-out that no transaction holds is written in parts, endpoints in the order of their ids; the last
one done rides in the commit, so that whoever comes after goes on there, by the table as it is then.

When it fails: a registry that is away stops only the partitions whose next event has an unknown
schema. Kafka away: nothing is committed, it backs off, and goes on from the last commit. An event
that alone fails a transaction twice, while the cluster takes others, is set aside.
"""
