"""The in-memory twin of Kafka: the same ports and contract, one thread, no waiting, no chance.

`Cluster` holds topics, groups and transactions and makes members, producers and readers; its fault
hooks (`kill`, `expel`, `fail_next`, `down`, `up`) are what the simulation breaks things with.
"""

from hooklane.adapters.memory.clock import ManualClock
from hooklane.adapters.memory.cluster import Cluster

__all__ = ["Cluster", "ManualClock"]
