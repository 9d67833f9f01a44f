"""The world behind small ports (`ports.py`): Kafka, HTTP, SQL, clock, settings, logs, metrics."""
