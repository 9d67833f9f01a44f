"""How commands show what the API answers: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hooklane.cli.control_address import address
from hooklane.client import Client

# Piped output is not folded to a terminal nobody has.
PIPED_COLUMNS = 240

as_json = click.option("--json", "as_json", is_flag=True, help="Show JSON.")


def listing(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every list of the log has."""
    options = (
        click.option("--since", metavar="TIME", help="Not before this time, RFC 3339."),
        click.option("--until", metavar="TIME", help="Before this time, RFC 3339."),
        click.option("--limit", default=50, show_default=True, type=click.IntRange(1)),
    )
    for option in reversed(options):
        command = option(command)
    return command


def open_client() -> Client:
    """Make a client of the control API that the environment or the ready file names."""
    return Client(address("api"), address("api_key"))


def client() -> Client:
    """Give a command its client."""
    return open_client()


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a table of these columns; `a.b` reaches into an object."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.rpartition(".")[2].replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(cell(reach(row, column)) for column in columns))
    console().print(table)


def show_fields(fields: Mapping[str, Any]) -> None:
    """Print one object, a field a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name.replace("_", " "), cell(value))
    console().print(table)


def console() -> Console:
    """Make a console on standard output."""
    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    return Console(width=width, highlight=False, markup=False)


def reach(row: Mapping[str, Any], column: str) -> Any:
    """Give a row's value, also inside an object."""
    value: Any = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def cell(value: Any) -> str:
    """Write a value for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(cell(one) for one in value) or "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={cell(one)}" for name, one in value.items()) or "-"
    return str(value) if value != "" else "-"
