"""Bring each delivery to its endpoint: sign, POST, judge, record.

**Reads** the lanes of all endpoints (group `<prefix>.deliverer.0`) and the endpoint table; Probe
from `<prefix>.commands`, from the end, without a group.

**Decides** what may start now (the endpoint's state, its limits as they are learned, its rate, its
breaker, its order, `not-before`, holds), and what follows from each answer (the verdict table:
`domain.verdict`).

**Writes**, in one transaction a tick: an Attempt for each delivery it settled; the same Delivery
bytes to `<prefix>.retry.<delay>` or `<prefix>.dead-letters` where the verdict says so; a Disable
command after a 410; of deliveries in the pool, copies to the lane their endpoint moved to, or to a
tier where they would wait (no Attempt then); the lane offsets with the tracker's metadata. Beside
it, its position in `<prefix>.positions`.

**Guarantees**: a delivery leaves its lane only with the tick that records what became of it. After
a complete 2xx a second POST happens only if that tick did not commit or the lane was lost. Nothing
starts before its `not-before`; under `order: key` nothing before its key's predecessor. A
lane that is slow, held or endless costs bounded memory and slows no other.

**When it fails**: killed, it leaves what was open in the lanes, and the next owner POSTs that
again. While Kafka is away it finishes what is open and starts nothing new once a commit is
outstanding for too long. After an aborted transaction it produces the same outcomes in the next.

Two threads: the poll thread (`worker`, `assignment`, `reading`, `flow`, `tick`) owns member and
producer; the loop thread (`sending` and the parts it names) owns HTTP. They meet in `crossing` and
`outbox`: calls one way, settled deliveries the other, both in batches.
"""
