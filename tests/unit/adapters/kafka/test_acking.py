"""A producer that librdkafka gave up on ends its process: it would refuse everything for ever."""

from datetime import timedelta

import pytest
from confluent_kafka import KafkaError

from hooklane.adapters import kafka
from hooklane.adapters.settings import KafkaSettings


def test_a_fatal_error_is_not_waited_out():
    """Any other is told of, and the next record is tried."""
    settings = KafkaSettings(bootstrap="127.0.0.1:1")
    producer = kafka.acking_producer(settings, instance="p", ack_within=timedelta(seconds=1))
    producer._note(KafkaError(KafkaError._MSG_TIMED_OUT))
    producer.poll(timedelta(0))
    producer._note(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "lost", True))
    with pytest.raises(AssertionError, match="gave up"):
        producer.poll(timedelta(0))
