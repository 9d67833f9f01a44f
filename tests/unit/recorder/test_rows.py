import json

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.rejected import RawRecord
from hooklane.adapters.sql.tables import attempts, dead_letters, receipts
from hooklane.domain.topics import Topics
from hooklane.recorder.rows import Choice, attempt_row, batch_of, dead_letter_row, receipt_row
from support.recording import attempt, attempt_value, dead_letter, receipt

TOPICS = Topics(prefix="test")


@pytest.fixture
def broken():
    return []


def batch(records, broken):
    return batch_of(records, TOPICS, on_broken=lambda record, _: broken.append(record.offset()))


def test_an_attempt_row_has_every_field_of_its_record():
    """Nothing that was recorded is left behind."""
    row = attempt_row(attempt_value(1))
    assert set(row) == {column.name for column in attempts.c}
    named = set(codec("attempt").fields)
    assert named - set(row) == {"timings"}
    assert json.loads(row["response_headers"]) == [["content-type", "text/plain"]]


def test_a_dead_letter_row_has_value_headers_and_position():
    """Its reason and attempts ride in headers, its time of death is the broker's."""
    row = dead_letter_row(dead_letter(3))
    assert set(row) == {column.name for column in dead_letters.c}
    found = {n: row[n] for n in ("reason", "attempts_made", "last_outcome", "died_at")}
    assert found == {
        "reason": "exhausted", "attempts_made": 1, "last_outcome": "rejected", "died_at": 3,
    }  # fmt: skip


def test_a_tombstone_marks_and_a_later_death_takes_the_mark_back(broken):
    """Within a batch the newest record of a delivery wins."""
    topic = "test.dead-letters"
    died_and_redriven = batch([dead_letter(1), dead_letter(1, tombstone=True)], broken)
    assert died_and_redriven.dead_letters["dlv_1"]["redriven_at"] == 1
    assert died_and_redriven.redriven == {}
    redriven_and_died = batch([dead_letter(1, tombstone=True), dead_letter(1)], broken)
    assert redriven_and_died.dead_letters["dlv_1"]["redriven_at"] is None
    assert redriven_and_died.redriven == {}
    alone = batch([dead_letter(1, tombstone=True, topic=topic)], broken)
    assert alone.redriven == {"dlv_1": 1}


def test_unreadable_records_are_told_and_passed(broken):
    """Any bytes: the rest of the batch is recorded."""
    odd = RawRecord(
        at_topic="test.attempts", at_partition=0, at_offset=7, raw_key=None, raw_value=b"odd"
    )
    headless = RawRecord(
        at_topic="test.dead-letters",
        at_partition=0,
        at_offset=8,
        raw_key=b"dlv_8",
        raw_value=dead_letter(8).value(),
    )
    found = batch([odd, headless, attempt(1)], broken)
    assert broken == [7, 8]
    assert len(found.attempts) == 1


def test_the_character_that_sql_text_cannot_hold_is_shown():
    """PostgreSQL refuses NUL; a receiver's error text may have one."""
    assert attempt_row(attempt_value(1, error="a\0b"))["error"] == "a␀b"


def test_a_receipt_row_has_every_column_and_its_text():
    """What is no UTF-8 has no text, and NUL is shown."""
    row = receipt_row(receipt(1, payload=b"a\0b"))
    assert set(row) == {column.name for column in receipts.c}
    assert (row["receipt_id"], row["matched"]) == ("evt_1:event::0", '["ep_1"]')
    assert row["payload_text"] == "a␀b"
    assert receipt_row(receipt(1, payload=b"\xff"))["payload_text"] is None
    assert receipt_row(receipt(1), search=False)["payload_text"] is None


def test_an_event_that_concerned_nobody_leaves_a_row_only_when_asked():
    """One that refused an endpoint concerned it."""
    refused = [{"endpoint_id": "ep_2", "reason": "endpoint_disabled"}]
    records = [
        receipt(1),
        receipt(2, matched=[], payload=None),
        receipt(3, matched=[], payload=None, refused=refused),
    ]
    kept = {}
    for unmatched in (False, True):
        choice = Choice(unmatched=unmatched)
        found = batch_of(records, TOPICS, choice=choice, on_broken=lambda *_: None)
        kept[unmatched] = [row["source_offset"] for row in found.receipts]
    assert kept == {False: [1, 3], True: [1, 2, 3]}


def test_what_comes_late_is_written_without_payload():
    """Older than payloads are kept: nobody looks there again to empty it."""
    records = [attempt(1), receipt(1, at_ms=5), dead_letter(1)]
    choice = Choice(payloads_since=2_000)
    found = batch_of(records, TOPICS, choice=choice, on_broken=lambda *_: None)
    (one,), (letter,) = found.receipts, found.dead_letters.values()
    assert (one["payload"], one["payload_text"], letter["payload"]) == (None, None, b"")
    assert found.attempts[0]["response_body"] == b""
