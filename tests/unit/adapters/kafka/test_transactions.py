"""What a transactional producer makes of each error, without a broker."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from hooklane.adapters.kafka.transactions import KafkaTransactionalProducer
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable

RETRIABLE = KafkaException(KafkaError(KafkaError._TIMED_OUT, "slow", retriable=True))
ABORTABLE = KafkaException(
    KafkaError(KafkaError._INCONSISTENT, "1 failed delivery", txn_requires_abort=True)
)
FATAL = KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal=True))


class Answer:
    error = None


class Broker:
    """Stands for confluent-kafka's Producer: raises what is planned for each call, then works."""

    def __init__(self, **plan):
        self.plan, self.calls = plan, []

    def __getattr__(self, name):
        def call(*_, **__):
            self.calls.append(name)
            errors = self.plan.get(name)
            if errors:
                raise errors.pop(0)

        return call

    def list_topics(self, *_):
        return type("Metadata", (), {"topics": {"t": Answer()}})


def producer(**plan):
    built = KafkaTransactionalProducer(KafkaSettings(), transactional_id="x")
    built._producer = Broker(**plan)
    return built, built._producer.calls


def test_a_retriable_error_is_the_same_call_again():
    """The transaction is neither lost nor aborted."""
    transactions, calls = producer(commit_transaction=[RETRIABLE, RETRIABLE])
    transactions.begin()
    transactions.commit()
    assert calls == ["init_transactions", "begin_transaction", *["commit_transaction"] * 3]


def test_an_abortable_error_is_aborted_and_told():
    """And the next transaction can begin."""
    transactions, calls = producer(commit_transaction=[ABORTABLE])
    transactions.begin()
    with pytest.raises(TransactionAborted, match="1 failed delivery"):
        transactions.commit()
    assert calls[-1] == "abort_transaction"
    transactions.begin()
    transactions.commit()


def test_a_fatal_error_is_fenced_wherever_it_comes():
    """Nothing is aborted: it is no longer ours."""
    for name in ("init_transactions", "begin_transaction", "produce", "commit_transaction"):
        transactions, calls = producer(**{name: [FATAL]})
        with pytest.raises(Fenced):
            run(transactions)
        assert "abort_transaction" not in calls


def run(transactions):
    transactions.begin()
    transactions.produce("t", b"0", key=None)
    transactions.commit()


def test_an_abort_that_fails_is_fenced():
    """Only a new holder of the id can clear what is open."""
    transactions, _ = producer(commit_transaction=[ABORTABLE], abort_transaction=[ABORTABLE])
    transactions.begin()
    with pytest.raises(Fenced):
        transactions.commit()


def test_an_id_that_can_not_be_taken_over_yet_is_unavailable():
    """And it is tried again at the next begin."""
    transactions, calls = producer(init_transactions=[RETRIABLE])
    with pytest.raises(Unavailable):
        transactions.begin()
    transactions.begin()
    assert calls == ["init_transactions", "poll", "init_transactions", "begin_transaction"]


def test_a_full_queue_is_waited_for():
    """Never dropped."""
    transactions, calls = producer(produce=[BufferError(), BufferError()])
    transactions.begin()
    transactions.produce("t", b"0", key=None)
    assert calls[2:] == ["produce", "poll", "produce", "poll", "produce"]


def test_a_missing_topic_is_named_and_aborted_before_it_can_block():
    """Nothing was produced to it."""
    transactions, calls = producer()
    transactions.begin()
    with pytest.raises(TransactionAborted) as caught:
        transactions.produce("gone", b"0", key=None)
    assert caught.value.fields == {"topic": "gone"}
    assert "produce" not in calls


def test_closing_aborts_what_is_open():
    """And nothing where nothing is."""
    transactions, calls = producer()
    transactions.close()
    assert calls == []
    transactions.begin()
    transactions.close()
    assert calls[-1] == "abort_transaction"
