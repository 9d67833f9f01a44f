"""Words and rules: no clock, no I/O, no Kafka, no pydantic; the standard library only."""
