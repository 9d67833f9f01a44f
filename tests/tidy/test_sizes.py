"""How long a file and a function may be, and how many parameters."""

import ast

from tidy.exceptions import hold
from tidy.sources import files_of_tests, package_files

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 5
POSITIONAL_MAX = 2


def test_a_file_is_at_most_400_lines():
    """A longer one has two subjects."""
    found = [
        source.name
        for source in (*package_files(), *files_of_tests())
        if len(source.text.splitlines()) > FILE_LINES_MAX
    ]
    hold("file length", found)


def lines(function):
    docstring = ast.get_docstring(function, clean=False) or ""
    doc = function.body[0].end_lineno - function.body[0].lineno + 1 if docstring else 0
    return function.end_lineno - function.lineno + 1 - doc


def test_a_function_is_at_most_70_lines():
    """Its docstring does not count."""
    found = [
        f"{source.name}: {name}"
        for source in package_files()
        for name, function in source.functions()
        if lines(function) > FUNCTION_LINES_MAX
    ]
    hold("function length", found)


def called_by_name(name, function):
    """Tell what click or FastAPI calls, by the names of its parameters."""
    decorators = {ast.unparse(one).split("(")[0] for one in function.decorator_list}
    return "Routes." in name or bool(decorators & {"click.command", "click.group"})


def too_many(function):
    arguments = function.args
    # an unused parameter is there because a library calls with it
    given = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    positional = [name for name in given if name not in {"self", "cls"} and name[0] != "_"]
    if function.name == "__init__":  # wiring; each by its name
        return len(positional) > POSITIONAL_MAX
    too_many_unnamed = len(positional) > POSITIONAL_MAX and not function.name.startswith("_")
    return too_many_unnamed or len(positional) + len(arguments.kwonlyargs) > PARAMETERS_MAX


def test_a_function_has_few_parameters_and_names_those_past_two():
    """A call reads without the definition beside it; a private function's is beside it."""
    found = [
        f"{source.name}: {name}"
        for source in package_files()
        for name, function in source.functions()
        if not called_by_name(name, function) and too_many(function)
    ]
    hold("parameters", found)
