"""What one partition of the twin keeps and shows."""

from datetime import UTC, datetime

import pytest

from hooklane.adapters.memory.partition_log import PartitionLog, Transaction, TransactionState
from hooklane.domain.topics import Partition

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def log():
    return PartitionLog(Partition("t", 0), timestamp_kind=2)


def write(log, *values, key=b"k", transaction=None):
    for value in values:
        log.append(value, key=key, headers=None, at=NOW, transaction=transaction)


def finish(log, transaction, state):
    transaction.state = state
    log.mark(transaction)


def seen(log, position=0, records_max=100):
    records, after = log.read(position, records_max)
    return [(record.offset(), record.value()) for record in records], after


def test_an_open_transaction_hides_all_that_comes_after_it(log):
    """The stable end is its first record, also for records outside of it."""
    transaction = Transaction(began_at=NOW)
    write(log, b"0")
    write(log, b"1", transaction=transaction)
    write(log, b"2")
    assert seen(log) == ([(0, b"0")], 1)
    finish(log, transaction, TransactionState.COMMITTED)
    assert seen(log) == ([(0, b"0"), (1, b"1"), (2, b"2")], 4)


def test_aborted_records_are_passed_over_with_their_marker(log):
    """They take offsets and are never seen."""
    transaction = Transaction(began_at=NOW)
    write(log, b"0", transaction=transaction)
    finish(log, transaction, TransactionState.ABORTED)
    write(log, b"2")
    assert seen(log) == ([(2, b"2")], 3)


def test_a_read_that_is_cut_goes_on_after_its_last_record(log):
    """Cut at any number, records come once and in order."""
    write(log, b"0", b"1", b"2")
    assert seen(log, records_max=2) == ([(0, b"0"), (1, b"1")], 2)
    assert seen(log, position=2, records_max=2) == ([(2, b"2")], 3)


def test_deleting_moves_the_start_and_never_back(log):
    """What is below the start is gone."""
    write(log, b"0", b"1", b"2")
    log.delete_before(2)
    log.delete_before(1)
    assert (log.start, seen(log)[0]) == (2, [(2, b"2")])


def test_compaction_keeps_each_keys_newest_and_every_offset(log):
    """Nobody's position moves; a tombstone stays until it may be dropped."""
    write(log, b"0", b"1")
    write(log, b"other", None, key=b"o")
    log.compact(drop_tombstones=False)
    assert seen(log) == ([(1, b"1"), (3, None)], 4)
    log.compact(drop_tombstones=True)
    assert seen(log) == ([(1, b"1")], 4)


def test_compaction_touches_nothing_of_an_open_transaction(log):
    """What may still be aborted replaces nothing."""
    write(log, b"0")
    write(log, b"1", transaction=Transaction(began_at=NOW))
    log.compact(drop_tombstones=False)
    assert [record.value() for record in log.everything()] == [b"0", b"1"]


def test_a_record_without_headers_has_none(log):
    """As librdkafka gives it."""
    write(log, b"0")
    (record,), _ = log.read(0, 1)
    assert record.headers() is None
    assert record.timestamp() == (2, 1_767_225_600_000)
