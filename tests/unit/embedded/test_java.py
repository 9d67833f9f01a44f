"""The command line of an embedded JVM."""

from hooklane.embedded.java import class_path, java


def test_the_heap_is_bounded_and_what_runs_comes_last():
    """Flags after the class's name would be the program's own."""
    command = java(heap_mb=256, flags=("-Dsome=flag",), run=("Main", "argument"))
    assert "-Xmx256m" in command
    assert command[-3:] == ("-Dsome=flag", "Main", "argument")


def test_a_class_path_lists_the_jars_in_one_order(tmp_path):
    """What the JVM learnt holds for one class path only."""
    for name in ("b.jar", "a.jar", "notes.txt"):
        (tmp_path / name).touch()
    assert class_path(tmp_path) == f"{tmp_path}/a.jar:{tmp_path}/b.jar"
