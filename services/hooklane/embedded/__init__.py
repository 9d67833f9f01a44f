"""Kafka, a schema registry and every service on one machine: the laptop's production.

Reads: the pinned artefacts (artefacts.lock), a state directory, `HOOKLANE_CACHE`.
Writes: the artefact cache, the state directory, the ready file.
Promises: the services run the code they run in production, with other addresses; everything
listens on loopback only; whatever ends the supervisor, even SIGKILL, ends all it started.
"""
