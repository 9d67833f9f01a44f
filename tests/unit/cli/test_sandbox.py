import pytest
from click.testing import CliRunner

from hooklane.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["sandbox", *arguments])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rule", "nonsense"), "write a rule as /path=behaviour"),
        (("--rule", "/a=status/999"), "status can't be '999'"),
        (("--secret", "whsec_!"), "a secret is whsec_ and base64"),
        (("--port", "70000"), "--port"),
        (("--host", "203.0.113.1"), "can't listen on 203.0.113.1"),
    ],
)
def test_a_sandbox_that_cannot_run_says_why_in_one_sentence(arguments, told):
    """Bad input is exit code 2 and what to mend, before anything is opened."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr.splitlines()[-1]
