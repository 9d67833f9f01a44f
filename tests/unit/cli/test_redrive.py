from support.commands import endpoint, record


def test_redrive_counts_or_asks(run, bench):
    """A dry run does nothing; the other writes the command."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    words = ("redrive", "--endpoint", endpoint_id)
    assert run(*words, "--dry-run").output == "1 dead letters would be redriven\n"
    assert "is under way" in run(*words, "--reason", "exhausted", "--limit", "5").output
    assert run(*words, "--since", "yesterday").exit_code == 2
    assert len(bench.records(bench.topics.commands)) == 1
