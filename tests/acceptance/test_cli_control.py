"""The commands on the control API, as a user types them."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from support.services import (
    API_KEY,
    Service,
    control_environment,
    free_port,
    kafka_environment,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]
HOOKLANE = str(Path(sys.executable).with_name("hooklane"))
URL = "http://127.0.0.1:9/hooks"


@pytest.fixture(scope="module")
def hooklane(bootstrap, tmp_path_factory):
    """Runs `hooklane …` in a subprocess against a control of its own."""
    folder, port = tmp_path_factory.mktemp("cli"), free_port()
    environment = kafka_environment(bootstrap, f"t{uuid.uuid4().hex[:10]}")
    environment |= control_environment(f"sqlite:///{folder}/control.db", port)
    environment["HOOKLANE_CONTROL_EFFECTIVE_WAIT_MS"] = "0"
    service = Service("control", environment, folder / "control.log").start().wait_ready()
    own = {"HOOKLANE_API": f"http://127.0.0.1:{port}", "HOOKLANE_API_KEY": API_KEY}

    def run(*words, **more):
        return subprocess.run(
            [HOOKLANE, *words],
            env={**os.environ, **own, **more},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    service.stop()


def test_from_a_tenant_to_a_deleted_endpoint(hooklane):
    """What the quick start shows, one command after another."""
    assert hooklane("tenant", "create", "acme").stdout == "tenant acme created\n"
    made = hooklane(
        "endpoint", "create", "--tenant", "acme", "--url", URL, "--subscribe", "order.*", "--json"
    )
    endpoint = json.loads(made.stdout)
    assert (made.returncode, endpoint["state"]) == (0, "active")
    assert endpoint["secret"].startswith("whsec_")
    listed = hooklane("endpoint", "list").stdout
    assert endpoint["id"] in listed
    paused = hooklane("endpoint", "pause", endpoint["id"], "--json").stdout
    assert json.loads(paused)["state"] == "paused"
    counted = hooklane("redrive", "--endpoint", endpoint["id"], "--dry-run").stdout
    assert counted == "0 dead letters would be redriven\n"
    status = json.loads(hooklane("status", "--json").stdout)
    assert [lane["endpoint_id"] for lane in status["lanes"]] == [endpoint["id"]]
    deleted = hooklane("endpoint", "delete", endpoint["id"], "--json").stdout
    assert json.loads(deleted)["state"] == "deleted"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("endpoint", "show", "ep_unknown"), "ep_unknown"),
        (("tenant", "create", "Not A Name"), "name"),
        (("redrive", "--endpoint", "ep_unknown"), "ep_unknown"),
        (("rejected", "resubmit", "seventeen"), "PARTITION:OFFSET"),
        (("events", "show", "evt_unknown"), "evt_unknown"),
    ],
)
def test_a_refusal_is_exit_code_2_and_one_sentence(hooklane, words, named):
    """On standard error, naming what and where; nothing on standard output."""
    answer = hooklane(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert named in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_wrong_key_is_exit_code_2_and_an_absent_api_1(hooklane):
    """What the caller can mend, and what it can only wait for."""
    assert hooklane("tenant", "list", HOOKLANE_API_KEY="wrong").returncode == 2
    absent = hooklane("tenant", "list", HOOKLANE_API="http://127.0.0.1:1")
    assert (absent.returncode, "127.0.0.1:1" in absent.stderr) == (1, True)
