"""What librdkafka's errors are turned into."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from hooklane.adapters.kafka.failures import END, GONE, error_of, is_missing, unavailable
from hooklane.adapters.kafka.fetch import serious
from hooklane.domain.errors import Fenced, Unavailable

FATAL = KafkaError(KafkaError.INVALID_REQUEST, "broken for good", fatal=True)


class Event:
    def __init__(self, error):
        self._error = error

    def error(self):
        return self._error


def test_a_cause_is_named():
    """What was being done, and librdkafka's own words."""
    error = unavailable("commit", KafkaException(KafkaError(KafkaError._TRANSPORT, "gone away")))
    assert error.detail == "Kafka: commit: gone away"
    assert unavailable("asking", "no answer").detail == "Kafka: asking: no answer"


def test_only_a_kafka_exception_has_a_kafka_error():
    """Others pass through unread."""
    assert error_of(ValueError("x")) is None
    assert error_of(KafkaException()) is None
    assert is_missing(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
    assert not is_missing(KafkaException(KafkaError(KafkaError._TRANSPORT)))


def test_ends_missing_topics_and_passing_troubles_are_no_events():
    """Librdkafka goes on by itself."""
    codes = (END, KafkaError.UNKNOWN_TOPIC_OR_PART)
    assert list(serious(Event(KafkaError(code)) for code in codes)) == []
    assert list(serious([Event(KafkaError(KafkaError._TRANSPORT, "x", retriable=True))])) == []


def test_a_gap_is_an_event():
    """Its owner must be told."""
    event = Event(KafkaError(GONE))
    assert list(serious([event])) == [event]


def test_a_fatal_error_ends_the_process_and_a_refusal_waits():
    """Only a new client can go on after the first; the second may be granted."""
    with pytest.raises(Fenced, match="broken for good"):
        list(serious([Event(FATAL)]))
    with pytest.raises(Unavailable):
        list(serious([Event(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))]))
