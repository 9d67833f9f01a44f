"""The project's own Python files, read once for all the tidy tests."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services" / "hooklane"
TESTS = ROOT / "tests"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file: where it is, what it says, and its tree."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Give its path from the root, as the exceptions name it."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        """Give its dotted name below the source root."""
        parts = self.path.relative_to(SERVICES.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def functions(self) -> tuple[tuple[str, Function], ...]:
        """Give every function with its qualified name, nested ones and methods included."""
        return _functions_of(self.path)

    def imports(self) -> frozenset[str]:
        """Give the dotted names of all that it imports, wherever in the file."""
        return _imports_of(self.path)

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}: imports are absolute"
                # `from a import b` may name a module or what is in one
                yield from (_module_of(node.module or "", alias.name) for alias in node.names)


def _module_of(module: str, name: str) -> str:
    path = SERVICES.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if path.is_dir() or path.with_suffix(".py").exists() else module


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


# Walking a tree takes longer than reading it, and several laws ask each file the same.
@cache
def _imports_of(path: Path) -> frozenset[str]:
    return frozenset(_parsed(path)._imports())


@cache
def _functions_of(path: Path) -> tuple[tuple[str, Function], ...]:
    return tuple(_functions(_parsed(path).tree, ""))


@cache
def _parsed(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path=path, text=text, tree=ast.parse(text))


@cache
def package_files() -> tuple[Source, ...]:
    """Give the package's files, the generated migrations left out."""
    return tuple(one for one in _read(SERVICES) if "/migrations/" not in one.name)


@cache
def files_of_tests() -> tuple[Source, ...]:
    """Give the tests' files."""
    return tuple(_read(TESTS))


def _read(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.rglob("*.py")):
        yield _parsed(path)
