"""`hooklane settings` lists what the models say."""

from click.testing import CliRunner

from hooklane.cli.settings import markdown, models, rows, settings


def test_every_service_has_its_own_section():
    """Each settings model is found, the shared sections first."""
    prefixes = [model.model_config["env_prefix"] for model in models()]
    assert prefixes[:3] == ["HOOKLANE_KAFKA_", "HOOKLANE_REGISTRY_", "HOOKLANE_SEALING_"]
    services = {"MATCHER", "DELIVERER", "RETRIER", "REPLAYER", "RECORDER", "CONTROL"}
    assert {f"HOOKLANE_{name}_" for name in services} <= set(prefixes)


def test_every_setting_says_what_it_means():
    """No variable is without a meaning."""
    assert [variable for variable, _, meaning in rows() if not meaning] == []


def test_a_required_setting_says_so():
    """What has no default is not shown as empty."""
    defaults = {variable: default for variable, default, _ in rows()}
    assert defaults["HOOKLANE_SEALING_KEYS"] == "(required)"


def test_the_command_prints_the_table_and_the_list():
    """Both forms come from the same rows."""
    table = CliRunner().invoke(settings, ["--markdown"]).output
    assert table == markdown()
    listed = CliRunner().invoke(settings, []).output
    assert "HOOKLANE_KAFKA_PREFIX=hooklane" in listed
