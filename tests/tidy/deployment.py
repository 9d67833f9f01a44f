"""What the deployment files say, read into one form: workloads with commands, settings, ports."""

import ast
import base64
import importlib
import inspect
import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from pydantic_settings import BaseSettings

from hooklane.adapters import settings as shared

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
INTERPOLATED = re.compile(r"\$\{(\w+):-([^}]*)\}")
# Stand-ins for what a Secret holds, each in the form that the setting wants.
SECRET = {
    "sealing-keys": "k1:" + base64.b64encode(bytes(32)).decode(),
    "api-key": "an-api-key-of-thirty-two-letters",
    "publisher-api-keys": '[{"key": "an-api-key-of-thirty-two-letters", "tenant": "acme"}]',
    "database-url": "postgresql+psycopg://user:password@db:5432/hooklane",
}


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One service as a deployment file runs it."""

    name: str
    where: str
    command: list[str]
    environment: dict[str, str]
    from_secrets: set[str] = field(default_factory=set)
    spec: dict[str, Any] = field(repr=False)


def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def of_compose():
    """Give the compose services that run a process of ours."""
    return [
        Workload(
            name=name,
            where="compose",
            command=service["command"],
            environment={
                key: INTERPOLATED.sub(r"\2", value)
                for key, value in service.get("environment", {}).items()
            },
            from_secrets={
                key for key, value in service.get("environment", {}).items() if "${" in value
            },
            spec=service,
        )
        for name, service in compose()["services"].items()
        if service.get("command", [""])[0] == "python"
    ]


def manifests():
    """Give every object of the kustomize base, by file."""
    return [
        (path, document)
        for path in sorted((K8S / "base").glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]


def objects(kind):
    return {
        document["metadata"]["name"]: document
        for _, document in manifests()
        if document["kind"] == kind
    }


def of_k8s():
    """Give the workloads of the base, their references looked up."""
    maps = {name: document["data"] for name, document in objects("ConfigMap").items()}
    found = []
    for kind in ("StatefulSet", "Deployment"):
        for name, document in objects(kind).items():
            (container,) = document["spec"]["template"]["spec"]["containers"]
            environment: dict[str, str] = {}
            for source in container.get("envFrom", []):
                environment |= maps[source["configMapRef"]["name"]]
            environment |= {one["name"]: _value(one, maps) for one in container["env"]}
            secrets = {
                one["name"]
                for one in container["env"]
                if "secretKeyRef" in one.get("valueFrom", {})
            }
            found.append(
                Workload(
                    name=name,
                    where="k8s",
                    command=container["command"],
                    environment=environment,
                    from_secrets=secrets,
                    spec=document,
                )
            )
    return found


def _value(one, maps):
    source = one.get("valueFrom")
    if source is None:
        return one["value"]
    if "configMapKeyRef" in source:
        reference = source["configMapKeyRef"]
        return maps[reference["name"]][reference["key"]]
    if "secretKeyRef" in source:
        return SECRET[source["secretKeyRef"]["key"]]
    assert source == {"fieldRef": {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}}
    return "0"


def sections():
    """Give the settings models that services share."""
    return models_of(shared) - {shared.ProcessSettings}


def models_of(module):
    return {
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, BaseSettings)
        and value.__module__ == module.__name__
    }


def sections_of(service):
    """Give every settings model that a service reads: its own, and the shared ones it names."""
    own = models_of(importlib.import_module(f"hooklane.{service}.settings"))
    names = set()
    for module in ("__main__", "settings"):
        spec = find_spec(f"hooklane.{service}.{module}")
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return own | {model for model in sections() if model.__name__ in names}


def prefix(model):
    return model.model_config["env_prefix"]
