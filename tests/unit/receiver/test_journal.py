from hooklane.receiver.journal import Journal, Received


def received(webhook_id="evt_1", attempt=1, answer="200", body="{}"):
    return Received(
        at="2026-03-01T00:00:00.000+00:00",
        method="POST",
        target="/ok",
        webhook_id=webhook_id,
        type="order.created",
        version="2",
        attempt=attempt,
        verification="verified",
        answer=answer,
        headers={},
        body=body,
    )


def bodies(journal, limit=1000):
    return [one["body"] for one in journal.received(limit=limit)["received"]]


def test_attempts_count_by_target_and_event():
    """Two endpoints get the same event id; each has its own attempts."""
    journal = Journal()
    made = [journal.attempt("/a", "evt_1"), journal.attempt("/a", "evt_1")]
    assert [*made, journal.attempt("/b", "evt_1")] == [1, 2, 1]
    assert journal.received()["counts"] == {"evt_1": 3}


def test_the_last_requests_are_kept_oldest_first():
    """The bound by number drops the oldest."""
    journal = Journal(received_max=2)
    for body in ("1", "2", "3"):
        journal.add(received(body=body))
    assert bodies(journal) == ["2", "3"]
    assert bodies(journal, limit=1) == ["3"]
    assert bodies(journal, limit=0) == []


def test_bytes_are_bounded_whatever_comes():
    """Long bodies push older ones out, and one beyond the bound itself."""
    journal = Journal(received_bytes_max=100)
    for body in ("a" * 60, "b" * 60):
        journal.add(received(body=body))
    assert bodies(journal) == ["b" * 60]
    journal.add(received(body="c" * 200))
    assert bodies(journal) == []
    journal.add(received(body="d"))
    assert bodies(journal) == ["d"]


def test_the_oldest_event_counts_leave_first():
    """Counting is bounded too; an event seen again counts as new in age."""
    journal = Journal(events_max=2)
    for webhook_id in ("evt_1", "evt_2", "evt_1", "evt_3"):
        journal.attempt("/ok", webhook_id)
    assert journal.received()["counts"] == {"evt_1": 2, "evt_3": 1}


def test_stats_count_everything_that_came():
    """Counts outlive what is kept."""
    journal = Journal(received_max=1)
    journal.add(received())
    journal.add(received(attempt=2, answer="500"))
    expected = {
        "requests": 2,
        "repeats": 1,
        "verification": {"verified": 2},
        "answers": {"200": 1, "500": 1},
    }
    assert expected == journal.stats()
