"""Time is an argument: one module reads the clock, and no test below integration sleeps."""

import ast

from tidy.exceptions import hold
from tidy.sources import files_of_tests, package_files

CLOCK = "services/hooklane/adapters/clock.py"
READS = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "time.sleep",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
    }
)
SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "sleep"})
# These wait for real processes; everything below them is told the time.
MAY_SLEEP = ("tests/integration/", "tests/acceptance/", "tests/benchmarks/", "tests/support/")


def called(source):
    """Give the dotted ends of everything called, with the call."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield ".".join(ast.unparse(node.func).split(".")[-2:]), node


def imported_from_time(source):
    return [
        alias.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
    ]


def test_only_the_clock_reads_the_clock():
    """Whoever wants the time takes a Clock or `now`."""
    found = [
        source.name
        for source in package_files()
        if source.name != CLOCK
        and (imported_from_time(source) or any(name in READS for name, _ in called(source)))
    ]
    hold("clock", found)


def waits(call):
    """Tell a sleep from `asyncio.sleep(0)`, which only yields."""
    return not (call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0)


def test_no_test_below_integration_sleeps():
    """A test that waits is slow on a good day and wrong on a bad one."""
    found = [
        source.name
        for source in files_of_tests()
        if not source.name.startswith(MAY_SLEEP)
        and any(name in SLEEPS and waits(call) for name, call in called(source))
    ]
    hold("sleep", found)
