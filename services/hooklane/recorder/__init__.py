"""The recorder: receipts, the attempt log and the dead letters, from topics into SQL.

Reads: `hooklane.matches`, `hooklane.attempts`, `hooklane.dead-letters`.
Decides: nothing; it copies, and drops what is older than its settings keep.
Writes: rows, and its offsets with them in one transaction; nothing to Kafka.
Guarantees: SQL holds each record once, whatever is killed when: a batch and the offsets it moves
are written together, by compare-and-set, so of two owners of a partition one wins and the other
rolls back and reads its assignment anew.
When it fails: the log lags, and is whole again afterwards; nothing else waits for it.
"""
