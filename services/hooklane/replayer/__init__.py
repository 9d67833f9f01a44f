"""The replayer: what was set aside or is past goes again, when somebody asks.

Reads: `<prefix>.commands` as the group `<prefix>.replayer`; for a redrive `<prefix>.dead-letters`,
for a resubmit `<prefix>.rejected-events`, for a replay or resend the event log itself; the endpoint
table.
Decides: which dead letters a redrive names (endpoint, reason, since, ids, count), by the last
record of each delivery below the log ends noted when the command was begun; which events of a
replay's ranges its one endpoint wants, by its subscription now.
Writes, in one transaction with its cursor: the same Delivery bytes to the lane and a tombstone in
their place; for a resubmit the event's deliveries and its receipt, as the matcher does; for a
replay or resend a delivery under the command's id, and a receipt that says so.
Guarantees: nothing is redriven or replayed twice, whatever is killed when; what dies again is not
picked up by the same scan; memory is bounded however long the log; commands take turns, so that a
long or slow one holds up nobody, and a replay keeps its rate.
When it fails: the cursors ride in the metadata of the line's commit, so whoever has the partition
next goes on where the last transaction ended. An endpoint that was disabled or deleted meanwhile
keeps its dead letters where they are, and ends its replay. How replays ended is told there, too.
"""
