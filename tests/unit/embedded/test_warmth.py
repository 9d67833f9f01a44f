"""The cache of what a JVM learnt: where it lies and when it is used."""

import asyncio

from hooklane.embedded import warmth

COMMAND = ("java", "-Xmx512m", "Main")


def test_a_program_without_a_cache_is_started_as_it_is(tmp_path):
    """Nothing depends on the cache."""
    assert warmth.warmed(COMMAND, tmp_path / "kafka-1") == COMMAND


def test_a_program_with_a_cache_is_told_of_it_before_all_other_flags(tmp_path):
    """Java reads its own flags up to the class's name."""
    program = tmp_path / "kafka-1"
    path = warmth.archive(program)
    path.touch()
    found = warmth.warmed(COMMAND, program)
    assert found[:2] == ("java", f"-XX:AOTCache={path}")
    assert found[-2:] == COMMAND[1:]


def test_other_programs_have_other_caches(tmp_path):
    """A newer Kafka never reads what an older one left."""
    assert warmth.archive(tmp_path / "kafka-1") != warmth.archive(tmp_path / "kafka-2")


def test_what_was_learnt_is_not_learnt_again(tmp_path):
    """A start that finds everything starts nothing in the background."""
    program = tmp_path / "kafka-1"
    warmth.archive(program).touch()
    before = sorted(tmp_path.iterdir())
    asyncio.run(warmth.warm({"kafka": program}, {}))
    assert before == sorted(tmp_path.iterdir())


def test_one_stack_at_a_time_learns(tmp_path):
    """Who comes second leaves it to the first."""
    path = tmp_path / "lock"
    with warmth.alone(path) as first, warmth.alone(path) as second:
        assert (first, second) == (True, False)
