"""The command group: lazy, and plain about errors."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from hooklane import cli
from hooklane.domain.errors import Conflict, Misconfigured, Unavailable


def test_help_shows_the_table_and_imports_no_subcommand():
    """`hooklane --help` stays quick however many commands there are."""
    code = (
        "import sys; from click.testing import CliRunner; from hooklane.cli import COMMANDS, main;"
        "out = CliRunner().invoke(main, ['--help']).output;"
        "assert all(name in out for name in COMMANDS), out;"
        "print(sorted(name for name in sys.modules if name.startswith('hooklane.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_name_in_the_table_leads_to_a_command(name):
    """A wrong line in the table is found before a user finds it."""
    context = click.Context(cli.main)
    assert isinstance(cli.main.get_command(context, name), click.Command)


def test_an_unknown_command_is_refused_with_exit_code_2():
    """The caller can mend it."""
    assert CliRunner().invoke(cli.main, ["nothing"]).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"), [(Conflict("in use"), 2), (Misconfigured("bad"), 2), (Unavailable("x"), 1)]
)
def test_an_error_of_ours_is_one_sentence_and_an_exit_code(error, code):
    """2 where the caller can mend it, else 1; never a traceback."""

    @click.group(cls=cli.LazyGroup)
    def group() -> None:
        """Stand in for the real group."""

    @group.command()
    def fail() -> None:
        raise error

    result = CliRunner().invoke(group, ["fail"])
    assert (code, f"Error: {error}\n") == (result.exit_code, result.output)


def test_ctrl_c_is_exit_code_130():
    """As shells count it, and without a traceback."""

    @click.group(cls=cli.LazyGroup)
    def group() -> None:
        """Stand in for the real group."""

    @group.command()
    def wait() -> None:
        raise KeyboardInterrupt

    result = CliRunner().invoke(group, ["wait"])
    assert (result.exit_code, result.output) == (cli.INTERRUPTED, "")


def test_help_says_what_exit_codes_mean():
    """All there are."""
    told = CliRunner().invoke(cli.main, ["--help"]).output.partition("Exit codes:")[2]
    assert [line.split()[0] for line in told.strip().splitlines()] == ["0", "1", "2", "130"]
