"""`hooklane settings`: every environment variable, its default, and what it means.

Generated from the settings models, so it can't lie; README's table is this command's output.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import click
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

import hooklane
from hooklane.domain.retry import format_delay


def models() -> Iterator[type[BaseSettings]]:
    """Find every settings model: the shared sections first, then each service's own."""
    for module in ("hooklane.adapters.settings", *_service_modules()):
        loaded = importlib.import_module(module)
        for _, model in sorted(inspect.getmembers(loaded, inspect.isclass)):
            if model.__module__ != module or not issubclass(model, BaseSettings):
                continue
            if model.model_config.get("env_prefix"):
                yield model


def _service_modules() -> Iterator[str]:
    for package in pkgutil.iter_modules(hooklane.__path__, "hooklane."):
        if package.name in {"hooklane.adapters", "hooklane.cli"} or not package.ispkg:
            continue
        names = {m.name for m in pkgutil.iter_modules([str(_folder(package.name))])}
        if "settings" in names:
            yield f"{package.name}.settings"


def _folder(package: str) -> str:
    return importlib.import_module(package).__path__[0]


def rows() -> Iterator[tuple[str, str, str]]:
    """Give (variable, default, meaning) of every setting."""
    for model in models():
        prefix = str(model.model_config.get("env_prefix"))
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            yield f"{prefix}{name.upper()}", _shown(default), field.description or ""


def _shown(default: Any) -> str:
    if default is PydanticUndefined:
        return "(required)"
    if isinstance(default, tuple):
        return ",".join(_shown(part) for part in default)
    if isinstance(default, timedelta):
        return format_delay(default)
    if default is None or default in ("", {}):
        return ""
    return str(default)


def markdown() -> str:
    """Write the table as Markdown."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{variable}` | {f'`{default}`' if default else ''} | {meaning.replace('|', '/')} |"
        for variable, default, meaning in rows()
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--markdown", "as_markdown", is_flag=True, help="As README has it.")
def settings(*, as_markdown: bool) -> None:
    """List every setting, its default and its meaning."""
    if as_markdown:
        click.echo(markdown(), nl=False)
        return
    for variable, default, meaning in rows():
        click.echo(f"{variable}={default}\n    {meaning}")
