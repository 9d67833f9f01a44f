"""How many retries wait, on both databases: each delivery once, by its newest attempt."""

from datetime import UTC, datetime, timedelta

from hooklane.adapters.sql.history import SqlHistory
from hooklane.domain.delivery import to_ms
from support import logbook

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def tried(event_id, *, before=HOUR, due_in=HOUR, **fields):
    own = {"verdict": "retry", "due_at": to_ms(NOW + due_in), **fields}
    return logbook.attempt(event_id, at=to_ms(NOW - before), **own)


def test_what_waits_is_counted_by_its_newest_attempt(engine):
    """What went since, what is due and what is another's is not."""
    logbook.write(
        engine,
        tried("evt_waits"),
        tried("evt_twice"),
        tried("evt_twice", before=HOUR / 2, number=2),
        tried("evt_went"),
        tried("evt_went", before=HOUR / 2, number=2, verdict="delivered", due_at=None),
        tried("evt_due", due_in=timedelta(0)),
        tried("evt_other", endpoint_id="ep_2"),
    )

    history = SqlHistory(engine)

    assert history.count_waiting("ep_1", now=NOW) == 2
    assert history.count_waiting("ep_2", now=NOW) == 1
    assert history.count_waiting("ep_3", now=NOW) == 0
