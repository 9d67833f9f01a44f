import json


def test_tenants_are_listed_and_shown(run):
    """Names and when they were made."""
    assert "acme" in run("tenant", "list").output
    assert json.loads(run("tenant", "show", "acme", "--json").output)["name"] == "acme"
