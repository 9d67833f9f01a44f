import json


def test_a_key_s_life_by_commands(run):
    """Created and shown once, listed without itself, revoked."""
    made = json.loads(run("key", "create", "acme's", "--tenant", "acme", "--json").output)
    assert made["key"].startswith("hlk_")
    assert made["may_write"] is True
    listed = run("key", "list", "--tenant", "acme").output
    assert made["id"] in listed
    assert made["key"] not in listed
    assert "revoked" in run("key", "revoke", made["id"]).output
    (found,) = json.loads(run("key", "list", "--json").output)
    assert found["revoked_at"] is not None


def test_a_read_only_key_says_so(run):
    """The table for people has it too."""
    shown = run("key", "create", "looks", "--read-only").output
    assert "may write no" in " ".join(shown.split())


def test_a_portal_token_is_made_by_a_command(run):
    """For a tenant; reading only unless it is asked for."""
    made = json.loads(run("key", "portal-token", "acme", "--json").output)
    assert (made["token"][:4], made["may_write"]) == ("hlp_", False)
    refused = run("key", "portal-token", "nobody")
    assert (refused.exit_code, "nobody" in refused.output) == (2, True)
