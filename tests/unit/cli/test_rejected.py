def test_rejected_events_are_listed_and_resubmitted(run, bench):
    """By PARTITION:OFFSET, as the list shows them."""
    assert "partition" in run("rejected", "list").output
    assert "is under way" in run("rejected", "resubmit", "0:17", "1:2").output
    wrong = run("rejected", "resubmit", "17")
    assert (wrong.exit_code, "PARTITION:OFFSET" in wrong.output) == (2, True)
