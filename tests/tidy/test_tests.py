"""The tests themselves: each says its law, each module has its own."""

import ast

from tidy.exceptions import hold
from tidy.sources import ROOT, SERVICES, files_of_tests, package_files


def laws(source):
    """Give the test functions of a file, methods included."""
    if source.path.name.startswith("test_"):
        for name, function in source.functions():
            if function.name.startswith("test_"):
                yield name, function


def test_every_test_says_its_law():
    """The docstring's first line is the law that the test holds."""
    found = [
        f"{source.name}: {name}"
        for source in files_of_tests()
        for name, function in laws(source)
        if not ast.get_docstring(function)
    ]
    hold("docstrings", found)


DECISIONS = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.While,
    ast.Match,
    ast.Try,
    ast.comprehension,
    ast.BoolOp,
)


def has_logic(source):
    """Tell a module that decides from one that only names things or passes them on."""
    return any(
        isinstance(node, DECISIONS)
        for _, function in source.functions()
        for node in ast.walk(function)
    )


def is_tested(source):
    """Say whether it has unit tests in its mirror, or its folder's contract suite runs it."""
    below = source.path.relative_to(SERVICES)
    if (ROOT / "tests" / "unit" / below.parent / f"test_{below.name}").exists():
        return True
    folder = below.relative_to("adapters") if below.parts[0] == "adapters" else below
    suite = ROOT / "tests" / "contract" / folder.parts[0]
    return below.parts[0] == "adapters" and any(suite.glob("test_*.py"))


def test_every_module_with_logic_has_its_unit_tests():
    """tests/unit mirrors the source; adapters may have a contract suite for their folder.

    An entry point is tested by running it.
    """
    found = [
        source.name
        for source in package_files()
        if source.path.name not in {"__init__.py", "__main__.py"}
        and has_logic(source)
        and not is_tested(source)
    ]
    hold("mirror", found)


def test_every_unit_test_has_its_module():
    """A test whose module is gone tests nothing that we ship."""
    unit = ROOT / "tests" / "unit"
    gone = [
        source.name
        for source in files_of_tests()
        if source.path.is_relative_to(unit) and source.path.name.startswith("test_")
        if not (
            SERVICES / source.path.relative_to(unit).parent / source.path.name.removeprefix("test_")
        ).exists()
    ]
    assert gone == []
