"""README tells the truth where a machine can check it."""

import re
from pathlib import Path

from hooklane.cli import COMMANDS
from hooklane.cli.settings import markdown

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_what_the_code_says():
    """The table is `hooklane settings --markdown`, to the letter."""
    table = README.partition("<!-- settings -->\n")[2].partition("<!-- /settings -->")[0]
    assert table == markdown()


def test_every_command_named_exists():
    """A `hooklane …` line in README starts with a command there is."""
    named = set(re.findall(r"^\$ hooklane ([a-z-]+)", README, flags=re.MULTILINE))
    assert named <= set(COMMANDS)
    assert named
