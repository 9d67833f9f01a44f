"""The deployment files against their formats, and against the code they run."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import jsonschema
import kubernetes_validate
import pytest
import yaml
from pydantic import SecretStr

from hooklane.adapters.settings import load
from hooklane.embedded.services import SERVICES
from tidy.deployment import (
    K8S,
    ROOT,
    compose,
    manifests,
    objects,
    of_compose,
    of_k8s,
    prefix,
    sections_of,
)

KUBERNETES = "1.34"
TRANSACTIONAL = {"matcher", "deliverer", "retrier", "replayer"}
WORKLOADS = [*of_compose(), *of_k8s()]
each_workload = pytest.mark.parametrize(
    "workload", WORKLOADS, ids=lambda workload: f"{workload.where}-{workload.name}"
)
each_of_k8s = pytest.mark.parametrize("workload", of_k8s(), ids=lambda workload: workload.name)


def pod(workload):
    return workload.spec["spec"]["template"]["spec"]


def test_the_compose_file_has_compose_form():
    """The file keeps the Compose Specification's own schema."""
    published = Path(__file__).parent / "vendored" / "compose-spec.json"
    schema = json.loads(published.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(compose())


def test_what_the_compose_file_refers_to_exists():
    """Networks, volumes, configs and dependencies are declared."""
    file = compose()
    for service in file["services"].values():
        assert set(service.get("depends_on", {})) <= set(file["services"])
        assert set(service.get("networks", [])) <= {"default", *file["networks"]}
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(
            file["volumes"]
        )
        assert {config["source"] for config in service.get("configs", [])} <= set(file["configs"])


@pytest.mark.parametrize(
    "document",
    [document for _, document in manifests()],
    ids=lambda document: f"{document['kind']}-{document['metadata']['name']}",
)
def test_a_manifest_has_kubernetes_form(document):
    """Each object is valid, strictly: an unknown field is an error."""
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_base_lists_every_manifest():
    """A file that kustomize does not know of is never deployed."""
    text = (K8S / "base" / "kustomization.yaml").read_text(encoding="utf-8")
    files = {path.name for path, _ in manifests()}
    assert files == set(yaml.safe_load(text)["resources"])


def test_the_overlays_refer_to_files_that_exist():
    """Each overlay builds on the base and on files beside it."""
    for path in (K8S / "overlays").glob("*/kustomization.yaml"):
        overlay = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert "../../base" in overlay["resources"]
        named = [*overlay["resources"], *(patch["path"] for patch in overlay["patches"])]
        assert [name for name in named if not (path.parent / name).exists()] == []


@pytest.mark.parametrize("found", [of_compose, of_k8s])
def test_every_service_is_deployed(found):
    """What runs on a laptop runs in compose and in a cluster, and nothing else does."""
    assert set(SERVICES) == {workload.name for workload in found()}


@each_workload
def test_a_workload_runs_the_package_of_its_name(workload):
    """A workload, a folder and an import path are the same word, and the entry point exists."""
    assert workload.command == ["python", "-m", f"hooklane.{workload.name}"]
    assert find_spec(f"hooklane.{workload.name}.__main__") is not None


@each_workload
def test_a_workload_sets_only_what_its_service_reads(workload):
    """Each name is a field of a settings model that this service loads; an unused one misleads."""
    known = {
        f"{prefix(model)}{field}".upper()
        for model in sections_of(workload.name)
        for field in model.model_fields
    }
    assert set() == set(workload.environment) - known


@each_workload
def test_a_workload_starts_with_its_settings(workload):
    """Every section that the service loads accepts what it is given, and lacks nothing."""
    for model in sections_of(workload.name):
        mine = {
            name: value
            for name, value in workload.environment.items()
            if name.startswith(prefix(model))
        }
        load(model, mine)


@each_workload
def test_a_workload_names_every_section_that_its_service_reads(workload):
    """A default address is a laptop's: what a service reaches is told to it."""
    silent = [
        model.__name__
        for model in sections_of(workload.name)
        if not any(name.startswith(prefix(model)) for name in workload.environment)
    ]
    assert silent == []


def holds_secrets(annotation):
    """Tell a secret, or a list of values that hold one, from what may be read."""
    inside = [getattr(one, "model_fields", {}) for one in get_args(annotation)]
    parts = [field.annotation for fields in inside for field in fields.values()]
    return SecretStr in (annotation, *parts)


@each_workload
def test_secrets_come_by_reference(workload):
    """No secret stands in a manifest; in compose each can be replaced from the environment."""
    secret = {
        f"{prefix(model)}{name}".upper()
        for model in sections_of(workload.name)
        for name, field in model.model_fields.items()
        if holds_secrets(field.annotation) and name != "database_url"
    }
    assert set(workload.environment) & secret <= workload.from_secrets


@each_of_k8s
def test_a_database_url_is_a_secret_in_a_cluster(workload):
    """It has a password in it."""
    urls = {name for name in workload.environment if name.endswith("DATABASE_URL")}
    assert urls <= workload.from_secrets


@each_of_k8s
def test_the_ports_of_a_pod_are_those_of_its_settings(workload):
    """What the process opens is what the container declares and the probes ask."""
    (container,) = pod(workload)["containers"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    section = f"HOOKLANE_{workload.name.upper()}_"
    expected = {"metrics": workload.environment[f"{section}METRICS_PORT"]}
    if f"{section}PORT" in workload.environment:
        expected["api"] = workload.environment[f"{section}PORT"]
    assert expected == ports
    assert [
        (container[probe]["httpGet"]["path"], container[probe]["httpGet"]["port"])
        for probe in ("livenessProbe", "readinessProbe")
    ] == [("/live", "metrics"), ("/ready", "metrics")]
    service = objects("Service")[workload.name]["spec"]
    assert set(ports) == {port["targetPort"] for port in service["ports"]}


def test_the_ports_of_compose_are_those_of_its_settings():
    """The API is published at the port it listens on; health is asked where it is served."""
    for workload in of_compose():
        section = f"HOOKLANE_{workload.name.upper()}_"
        metrics = workload.environment[f"{section}METRICS_PORT"]
        assert f":{metrics}/live" in workload.spec["healthcheck"]["test"][-1]
        published = [port.split(":")[-1] for port in workload.spec.get("ports", [])]
        assert published == [
            value for name, value in workload.environment.items() if name == f"{section}PORT"
        ]


@each_workload
def test_a_process_is_reached_from_outside_its_container(workload):
    """Loopback is the default; in a container nobody would be there to ask."""
    section = f"HOOKLANE_{workload.name.upper()}_"
    assert workload.environment[f"{section}METRICS_HOST"] == "0.0.0.0"
    if f"{section}PORT" in workload.environment:
        assert workload.environment[f"{section}HOST"] == "0.0.0.0"


@each_of_k8s
def test_a_pod_keeps_to_the_restricted_profile(workload):
    """No root, no writable root, no capability, no token, no stray variables."""
    spec = pod(workload)
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
    assert {"cpu", "memory"} == set(container["resources"]["requests"])
    assert container["resources"]["limits"]["memory"]


@each_of_k8s
def test_a_pod_has_time_to_drain(workload):
    """Within 30 s nothing is uncommitted; the grace is 45 s, and a disruption takes one pod."""
    assert pod(workload)["terminationGracePeriodSeconds"] == 45
    budget = objects("PodDisruptionBudget")[workload.name]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == workload.spec["spec"]["selector"]


def test_who_scales_by_itself_is_not_told_how_many():
    """A count in the manifest would undo the autoscaler's at each deployment."""
    deployments = objects("Deployment")
    for name, scaler in objects("HorizontalPodAutoscaler").items():
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert "replicas" not in deployments[name]["spec"]
        assert scaler["spec"]["minReplicas"] >= 2


@each_of_k8s
def test_transactional_ids_are_stable(workload):
    """A process that has one is a StatefulSet's pod and takes its ordinal from there."""
    stateful = workload.name in TRANSACTIONAL
    assert workload.spec["kind"] == ("StatefulSet" if stateful else "Deployment")
    if stateful:
        assert f"HOOKLANE_{workload.name.upper()}_ORDINAL" in workload.environment
        assert objects("Service")[workload.name]["spec"]["clusterIP"] == "None"
        assert workload.spec["spec"]["serviceName"] == workload.name


def test_the_image_is_built_from_the_lock_and_runs_as_nobody():
    """Packages are checked by hash, the user is a number that is not 0, and it is the pods'."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    users = {pod(workload)["securityContext"]["runAsUser"] for workload in of_k8s()}
    assert [f"USER {user}:{user}" for user in users] == [
        line for line in text.splitlines() if line.startswith("USER")
    ]
