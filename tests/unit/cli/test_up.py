"""What `hooklane up` refuses before it does anything."""

import pytest
from click.testing import CliRunner

from hooklane.cli import main


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kafka", "nowhere"], "'nowhere' is not host:port"),
        (["--kafka", "a:1,,b:2"], "'a:1,,b:2' is not host:port"),
        (["--registry", "localhost:8081"], "'localhost:8081' is not an http or https address"),
        (["--only", "kafka,moon"], "'moon' is none of"),
        (["--api-port", "70000"], "70000"),
        (["--only", "kafka,deliverer", "--matchers", "2"], "--only leaves the matcher out"),
        (["--only", "kafka,matcher", "--deliverers", "1"], "--only leaves the deliverer out"),
        (["--database", "nothing"], "not a database URL"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_wrong(options, said, tmp_path):
    """Exit code 2, a sentence that repeats the value, and nothing was written."""
    state = tmp_path / "state"
    result = CliRunner().invoke(main, ["up", "--dir", str(state), *options])
    assert result.exit_code == 2
    assert said in result.output
    assert not state.exists()


def test_a_ready_file_that_cannot_be_written_is_refused_at_once(tmp_path):
    """Nobody waits for a file that will never come."""
    ready_file = tmp_path / "missing" / "ready.json"
    options = ["--dir", str(tmp_path / "state"), "--ready-file", str(ready_file)]
    result = CliRunner().invoke(main, ["up", *options])
    assert result.exit_code == 2
    assert f"{ready_file} cannot be written" in result.output
