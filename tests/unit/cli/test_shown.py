import pytest

from hooklane.cli.shown import cell, reach


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), ("", "-"), (True, "yes"), (False, "no"), (0, "0"), ([], "-"), ({}, "-"),
     (["a", "b"], "a, b"), ({"a": 1}, "a=1")],
)  # fmt: skip
def test_values_are_written_for_people(value, shown):
    """Nothing is a dash, lists are joined."""
    assert cell(value) == shown


def test_a_column_reaches_into_an_object():
    """`timings.total_ms`, absent where a part is."""
    assert reach({"timings": {"total_ms": 3}}, "timings.total_ms") == 3
    assert reach({"timings": None}, "timings.total_ms") is None
