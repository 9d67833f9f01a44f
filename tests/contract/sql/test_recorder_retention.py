from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hooklane.adapters.sql import retention
from hooklane.adapters.sql.engine import reading
from hooklane.adapters.sql.listing import in_payload
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.sql.tables import attempts, dead_letters, receipts
from hooklane.adapters.store import Keep, Recorded
from hooklane.recorder.rows import attempt_row, dead_letter_row, receipt_row
from support.recording import attempt_value, dead_letter, receipt

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOW_MS = 1_772_352_000_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
KEEP = Keep(rows=timedelta(days=30), payloads=timedelta(days=7))
AGES_H = (0, 1, 30, 200, 719, 721, 770, 5_000)


@pytest.fixture
def store(engine):
    return SqlRecorderStore(engine)


def attempts_of(hours):
    values = (attempt_value(h, started_at=NOW_MS - h * HOUR_MS) for h in hours)
    return [attempt_row(value) for value in values]


def receipts_of(hours):
    return [
        receipt_row(receipt(h, payload=b'{"city":"Berlin %d"}' % h, at_ms=NOW_MS - h * HOUR_MS))
        for h in hours
    ]


def tend(store, keep=KEEP, at=NOW):
    for _ in range(50):
        if not store.tend(keep, at=at):
            return
    raise AssertionError("it never came to an end")


def values(engine, *columns, order):
    with reading(engine) as connection:
        found = connection.execute(sa.select(*columns).order_by(order)).all()
    return [tuple(row) for row in found]


def hits(engine, text):
    with reading(engine) as connection:
        query = sa.select(receipts.c.event_id).where(in_payload(engine, text))
        return sorted(connection.execute(query).scalars())


def test_rows_go_when_they_are_old_and_no_row_before(engine, store):
    """30 days in SQLite; in PostgreSQL with the day they lie in."""
    tend(store)
    batch = Recorded(attempts=attempts_of(AGES_H), receipts=receipts_of(AGES_H), redriven={})
    store.record("recorder", batch)
    tend(store)
    is_whole_days = engine.dialect.name == "postgresql"
    # 721 hours ago is on a day of which some rows must stay.
    left = [h for h in AGES_H if h <= (721 if is_whole_days else 719)]
    assert values(engine, attempts.c.number, order=attempts.c.number) == [(h,) for h in left]
    found = values(engine, receipts.c.event_id, order=receipts.c.received_at.desc())
    assert found == [(f"evt_{h}",) for h in left]


def test_payloads_and_bodies_go_before_their_rows(engine, store, monkeypatch):
    """They are emptied in pieces, search forgets them, and the rest of the row stays."""
    monkeypatch.setattr(retention, "PIECE", 2)
    hours = [*range(100, 110), *range(200, 210), 719]
    letters = [dead_letter_row(dead_letter(h)) | {"died_at": NOW_MS - h * HOUR_MS} for h in hours]
    store.record(
        "recorder",
        Recorded(
            attempts=attempts_of(hours),
            receipts=receipts_of(hours),
            dead_letters=letters,
            redriven={},
        ),
    )
    assert len(hits(engine, "berlin")) == len(hours)
    tend(store)
    tend(store, at=NOW + timedelta(seconds=1))
    young = [f"evt_{h}" for h in hours if h < 7 * 24]
    full = (
        (attempts.c.number, attempts.c.response_body, attempts.c.number),
        (receipts.c.source_offset, receipts.c.payload, receipts.c.source_offset),
        (dead_letters.c.record_offset, dead_letters.c.payload, dead_letters.c.record_offset),
    )
    for number, content, order in full:
        found = values(engine, number, content, order=order)
        assert [h for h, _ in found] == hours
        assert [h for h, kept in found if kept] == [h for h in hours if h < 7 * 24]
    assert hits(engine, "BERLIN 1") == young
    assert hits(engine, "rlin 20") == []


def test_dead_letters_stay_while_they_can_be_redriven(engine, store):
    """Their topic keeps 30 days, whatever the log keeps."""
    ages = {1: 20, 2: 31}
    letters = [
        dead_letter_row(dead_letter(n)) | {"died_at": NOW_MS - days * DAY_MS}
        for n, days in ages.items()
    ]
    store.record("recorder", Recorded(dead_letters=letters, redriven={}))
    week = timedelta(days=7)
    tend(store, Keep(rows=week, payloads=week))
    assert values(engine, dead_letters.c.delivery_id, order=dead_letters.c.died_at) == [("dlv_1",)]


def test_deleting_goes_in_pieces(engine, store, monkeypatch):
    """A call never deletes more than its piece, and says that more is left."""
    monkeypatch.setattr(retention, "PIECE", 3)
    old = range(1_000, 1_010)
    store.record("recorder", Recorded(attempts=attempts_of(old), redriven={}))
    left = []
    while store.tend(KEEP, at=NOW):
        left.append(len(values(engine, attempts.c.number, order=attempts.c.number)))
    assert left == [7, 4, 1]
    assert values(engine, attempts.c.number, order=attempts.c.number) == []


def test_search_finds_text_and_not_its_pieces(engine, store):
    """All trigrams of a text in another order are not the text; case does not count."""
    payloads = (b"abcd bcde abc", b"xABCDEx", b"100%_", b"\xff\xfe", None)
    rows = [
        receipt_row(receipt(n, payload=payload, at_ms=NOW_MS)) for n, payload in enumerate(payloads)
    ]
    store.record("recorder", Recorded(receipts=rows, redriven={}))
    found = {text: hits(engine, text) for text in ("abcde", "BCDE", "0%_", "1%0", "abc" * 90)}
    assert found == {
        "abcde": ["evt_1"], "BCDE": ["evt_0", "evt_1"], "0%_": ["evt_2"], "1%0": [], "abc" * 90: []
    }  # fmt: skip
