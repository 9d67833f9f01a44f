"""Who may import whom: the layout's arrows (services never import each other)."""

import sys

import pytest

from tidy.exceptions import hold
from tidy.sources import package_files

SERVICES = ("matcher", "deliverer", "retrier", "replayer", "recorder", "control", "publisher")
# What an adapter imports to reach the world. One that imports none of these, itself or through
# another, is no choice of a concrete one: ports, words, values, and code written on the ports.
WORLD = frozenset(
    {
        *("alembic", "confluent_kafka", "psycopg", "sqlalchemy"),
        *("http", "httpcore", "httptools", "httpx", "socket", "ssl", "uvicorn"),
        *("asyncio", "time", "uvloop"),
    }
)
# package: the packages of ours that it may import, besides itself
ARROWS = {
    "domain": (),
    "adapters": ("domain",),
    "receiver": ("domain",),
    "client": ("domain",),
    "embedded": ("domain", "adapters"),
    "cli": ("domain", "adapters", "client", "publisher", "receiver", "embedded"),
    **dict.fromkeys(SERVICES, ("domain",)),
}

# Where a library of ours connects itself: there is no `__main__` of ours in its user's process.
LIBRARY_ENTRIES = frozenset({"hooklane.publisher.connection"})
SHELLS = frozenset({*SERVICES, "receiver"})


def allowed(module):
    package = module.split(".")[1]
    if package in SERVICES and (module.endswith(".__main__") or module in LIBRARY_ENTRIES):
        return (package, "domain", "adapters")
    return (package, *ARROWS[package])


def concrete():
    """Give the adapter modules that reach the world, themselves or through one they import."""
    imports = {
        source.module: set(source.imports())
        for source in package_files()
        if source.module.startswith("hooklane.adapters.")
    }
    found = {
        module
        for module, names in imports.items()
        if {name.split(".")[0] for name in names} & WORLD
    }
    while more := {module for module in imports.keys() - found if imports[module] & found}:
        found |= more
    return found


def is_open(imported, reaching):
    """Say whether this is an adapter module that any service's shell may name."""
    return imported.startswith("hooklane.adapters.") and imported not in reaching


def within(imported, packages):
    return any(f"{imported}.".startswith(f"hooklane.{package}.") for package in packages)


def test_imports_follow_the_arrows():
    """Services meet on topics, never by import; only a `__main__` names concrete adapters."""
    reaching = concrete()
    found = [
        f"{source.name} imports {imported}"
        for source in package_files()
        if source.module != "hooklane"
        for imported in source.imports()
        if imported.startswith("hooklane.")
        and not within(imported, allowed(source.module))
        and not (source.module.split(".")[1] in SHELLS and is_open(imported, reaching))
    ]
    hold("arrows", found)


@pytest.mark.parametrize("start", ["hooklane.domain", "hooklane.receiver.verify"])
def test_the_core_and_what_receivers_copy_need_the_standard_library_alone(start):
    """The rules know no world, and a receiver copies one file."""
    known = sys.stdlib_module_names | ({"hooklane"} if start == "hooklane.domain" else set())
    found = [
        f"{source.name} imports {imported}"
        for source in package_files()
        if f"{source.module}.".startswith(f"{start}.")
        for imported in source.imports()
        if imported.split(".")[0] not in known
    ]
    assert found == []


def test_every_package_has_its_arrows():
    """A new folder says whom it may import before it is used."""
    packages = {
        source.module.split(".")[1] for source in package_files() if source.module != "hooklane"
    }
    assert set(ARROWS) == packages
