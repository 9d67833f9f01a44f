import pytest
import sqlalchemy as sa

from hooklane.adapters.sql.engine import reading
from hooklane.adapters.sql.history import SqlHistory
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.sql.tables import attempts, gaps, receipts
from hooklane.adapters.store import (
    AttemptFilter,
    DeadLetterFilter,
    LostRace,
    OffsetMove,
    PageRequest,
    Recorded,
)
from hooklane.domain.errors import NotFound
from hooklane.domain.topics import Partition
from hooklane.recorder.rows import attempt_row, dead_letter_row, receipt_row
from support.recording import attempt_value, dead_letter, receipt

PART = Partition("test.attempts", 0)


@pytest.fixture
def store(engine):
    return SqlRecorderStore(engine)


def moved(expected, offset):
    return [OffsetMove(partition=PART, expected=expected, offset=offset)]


def rows(*numbers):
    return [attempt_row(attempt_value(number)) for number in numbers]


def count(engine, table):
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_rows_and_offsets_are_one(engine, store):
    """A batch whose offsets were moved by another is not written at all."""
    store.record("recorder", Recorded(attempts=rows(1, 2), redriven={}, moves=moved(None, 2)))
    for expected in (None, 1):
        batch = Recorded(attempts=rows(3), redriven={}, moves=moved(expected, 3))
        with pytest.raises(LostRace):
            store.record("recorder", batch)
    assert count(engine, attempts) == 2
    store.record("recorder", Recorded(attempts=rows(3), redriven={}, moves=moved(2, 3)))
    assert (count(engine, attempts), store.offsets("recorder")) == (3, {PART: 3})


def test_an_attempt_comes_back_as_it_was_recorded(engine, store):
    """Every column, bytes included."""
    (row,) = rows(1)
    row["response_body"] = bytes(range(256))
    store.record("recorder", Recorded(attempts=[row], redriven={}))
    (found,) = SqlHistory(engine).attempts(AttemptFilter(event_id="evt_1"), PageRequest(limit=9))
    assert {**found, "response_body": bytes(found["response_body"])} == row


def test_a_receipt_comes_back_as_it_was_recorded(engine, store):
    """Every column, in one batch with attempts."""
    row = receipt_row(receipt(1, key=None, payload='{"ä": 1}\t\\'.encode(), at_ms=5))
    store.record("recorder", Recorded(attempts=rows(1), receipts=[row], redriven={}))
    with reading(engine) as connection:
        found = dict(connection.execute(sa.select(receipts)).mappings().one())
    assert {**found, "payload": bytes(found["payload"])} == row


def test_dead_letters_are_put_marked_and_put_again(engine, store):
    """The newest record of a delivery is what is shown."""
    history, everything = SqlHistory(engine), DeadLetterFilter()
    letter = dead_letter_row(dead_letter(1))
    store.record("recorder", Recorded(dead_letters=[letter], redriven={}))
    assert history.dead_letters_by_reason() == {"exhausted": 1}
    store.record("recorder", Recorded(redriven={"dlv_1": 9, "dlv_unknown": 9}))
    assert history.count_dead_letters(everything) == 0
    with pytest.raises(NotFound):
        history.dead_letter("dlv_1")
    again = Recorded(dead_letters=[letter | {"reason": "gone", "died_at": 10}], redriven={})
    store.record("recorder", again)
    assert history.dead_letters_by_reason() == {"gone": 1}
    assert bytes(history.dead_letter("dlv_1")["payload"]) == b'{"n":1}'


def test_gaps_are_listed_once(engine, store):
    """The same gap found again by the next owner is the same row."""
    gap = {"reader": "recorder", "topic": "t", "partition": 0, "first_offset": 1, "log_start": 9,
           "found_at": 0}  # fmt: skip
    for _ in range(2):
        store.record("recorder", Recorded(redriven={}, gaps=[gap]))
    assert count(engine, gaps) == 1


def test_lists_use_their_index(engine):
    """A list of the newest attempts of one event never reads the whole log."""
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    for column in ("event_id", "endpoint_id", "delivery_id"):
        query = (
            f"{explain} SELECT * FROM attempts WHERE {column} = 'x' "
            "ORDER BY started_at DESC, attempt_id DESC LIMIT 50"
        )
        with reading(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = str(connection.exec_driver_sql(query).all())
        # PostgreSQL names the partition's index, and shows what it looks for in it.
        assert {"sqlite": f"ix_attempts_{column}", "postgresql": f"Index Cond: ({column} ="}[
            engine.dialect.name
        ] in plan
