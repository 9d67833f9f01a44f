"""What librdkafka's errors mean to us."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from hooklane.domain.errors import Unavailable

# The topic or partition is not there (any more); asked again it may be.
MISSING = frozenset(
    (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001  librdkafka's name of its own errors
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError.UNKNOWN_TOPIC_ID,
    )
)
NO_BROKER = frozenset(
    (
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001  librdkafka's name of its own errors
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError._SSL,  # noqa: SLF001
    )
)
REFUSED = frozenset(
    (
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_VERSION,
        KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001
    )
)
GONE = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001
END = KafkaError._PARTITION_EOF  # noqa: SLF001


def error_of(raised: BaseException) -> KafkaError | None:
    """Give the KafkaError inside an exception, if one is."""
    inside = raised.args[0] if isinstance(raised, KafkaException) and raised.args else None
    return inside if isinstance(inside, KafkaError) else None


def is_missing(raised: BaseException) -> bool:
    """Tell whether a call failed because its topic or partition is not there."""
    error = error_of(raised)
    return error is not None and error.code() in MISSING


def unavailable(doing: str, cause: object) -> Unavailable:
    """Say what could not be done and what librdkafka said about it."""
    error = error_of(cause) if isinstance(cause, BaseException) else cause
    said = error.str() if isinstance(error, KafkaError) else str(cause)
    return Unavailable(f"Kafka: {doing}: {said}")
