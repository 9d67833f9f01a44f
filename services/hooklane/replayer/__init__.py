"""The replayer: what was set aside goes again, when somebody asks.

Reads: `<prefix>.commands` as the group `<prefix>.replayer`; for a redrive `<prefix>.dead-letters`,
for a resubmit `<prefix>.rejected-events`; the endpoint table.
Decides: which dead letters a redrive names (endpoint, reason, since, ids, count), by the last
record of each delivery below the log ends noted when the command was begun.
Writes, in one transaction with its cursor: the same Delivery bytes to the lane and a tombstone in
their place; for a resubmit the event's deliveries and its receipt, as the matcher does.
Guarantees: nothing is redriven twice, whatever is killed when; what dies again is not picked up by
the same scan; memory is bounded however many dead letters there are.
When it fails: the cursor rides in the metadata of the command's own offset, so whoever has the
partition next goes on where the last transaction ended. An endpoint that was disabled or deleted
meanwhile keeps its dead letters where they are.
"""
