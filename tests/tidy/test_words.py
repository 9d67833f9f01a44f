"""The words that our own names don't use, because they say nothing or say it twice."""

import ast
import re

from tidy.exceptions import hold
from tidy.sources import ROOT, package_files

BANNED_SINGULAR = ("message", "job", "task", "manager", "helper", "util", "common", "misc")
BANNED = frozenset(
    {
        *BANNED_SINGULAR,
        *(f"{word}s" for word in BANNED_SINGULAR),
        *("data", "info", "handle", "handles", "process", "processes"),
        *("destination", "destinations"),
    }
)
# asyncio's own word for what it runs
ASYNCIO_ONLY = frozenset({"task", "tasks"})
OUTSIDE_ADAPTERS = frozenset({"consumer", "consumers"})
# names that a library calls us by
DICTATED = frozenset(
    {
        "data_received",  # asyncio.Protocol
        "data_received(data)",
        "on_message_begin",  # httptools' parsers
        "on_message_complete",
        "log_message",  # http.server
    }
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
OPEN_WORK = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b"
)
TEXTS = ("*.py", "*.md", "*.toml", "*.yml", "*.yaml", "*.avsc", "Makefile", "Dockerfile")
FOLDERS = ("services", "tests", "schemas", "k8s")


def words(name):
    return {word.lower() for word in WORD.findall(name)}


def defined(source):
    """Give the names that a file defines: its own, functions, classes, parameters, variables."""
    yield source.path.stem
    for name, function in source.functions():
        own = name.rpartition(".")[2]
        yield own
        arguments = function.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        yield from (f"{own}({one.arg})" for one in every)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def banned_in(source):
    words = BANNED
    if not source.module.startswith("hooklane.adapters"):
        words |= OUTSIDE_ADAPTERS
    if "asyncio" in set(source.imports()):
        words -= ASYNCIO_ONLY
    return words


def spelt(name):
    # of `function(parameter)` only the parameter is judged: the function is listed itself
    return words(name.rpartition("(")[2])


def test_names_use_no_banned_word():
    """One word per concept; a word that fits everything names nothing."""
    found = [
        f"{source.name}: {name}"
        for source in package_files()
        for name in defined(source)
        if name not in DICTATED and spelt(name) & banned_in(source)
    ]
    hold("words", found)


def test_no_work_is_left_open_in_the_text():
    """What is not done is not half there."""
    files = [
        path for folder in FOLDERS for pattern in TEXTS for path in (ROOT / folder).rglob(pattern)
    ]
    files += [path for pattern in TEXTS for path in ROOT.glob(pattern)]
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(set(files))
        if OPEN_WORK.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_function_is_a_stub():
    """A body of nothing is an abstract method of a port, or it is not there."""
    found = [
        f"{source.name}: {ast.unparse(node)}"
        for source in package_files()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
    ]
    assert found == []


def test_the_words_of_a_name_are_found():
    """The check itself splits snake case, camel case and capitals."""
    assert words("HTTPTaskInfo_of_job2") == {"http", "task", "info", "of", "job"}
