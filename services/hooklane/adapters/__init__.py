"""The world behind small ports (`ports.py`): Kafka, HTTP, SQL, the clock, settings, logs, metrics."""
