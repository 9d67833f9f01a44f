"""What a stack is made of, before anything of it runs."""

import json
import random

import pytest

from hooklane.domain.errors import Misconfigured
from hooklane.embedded.directory import Directory
from hooklane.embedded.stack import Stack, Wanted, prepare_ready_file


def a_stack(tmp_path, **wanted):
    tmp_path.mkdir(exist_ok=True)
    return Stack(
        wanted=Wanted(**wanted),
        directory=Directory(tmp_path),
        cache=tmp_path / "cache",
        environ={"HOOKLANE_KAFKA_PREFIX": "mine"},
        rng=random.Random(1),
        say=lambda *_: None,
    )


def test_what_is_given_is_neither_fetched_nor_started():
    """`--kafka` and `--registry` point the same code at real ones."""
    assert Wanted().programs == ("kafka", "registry")
    assert Wanted(kafka="broker:9092").programs == ("registry",)
    assert Wanted(registry="http://registry").programs == ("kafka",)
    assert Wanted(only=("kafka",)).programs == ("kafka",)
    assert Wanted(only=("kafka", "registry")).services == ()


def test_services_are_told_what_was_given(tmp_path):
    """Addresses that were named win over the embedded ones."""
    stack = a_stack(tmp_path, kafka="broker:9092", database="postgresql://db/hooklane")
    environ = stack.service_program("control").environ
    assert environ["HOOKLANE_KAFKA_BOOTSTRAP"] == "broker:9092"
    assert environ["HOOKLANE_CONTROL_DATABASE_URL"] == "postgresql://db/hooklane"
    assert environ["HOOKLANE_KAFKA_PREFIX"] == "mine"


def test_named_ports_are_used_and_all_others_differ(tmp_path):
    """Ports are free ones unless named."""
    stack = a_stack(tmp_path, kafka_port=19092, registry_port=18081, api_port=18080)
    assert (stack.broker.port, stack.schemas.port, stack.addresses.api_port) == (
        19092,
        18081,
        18080,
    )
    ports = [stack.broker.controller_port, *stack.addresses.metrics_ports.values()]
    assert len(set(ports)) == len(ports)


def test_as_many_run_as_asked(tmp_path):
    """Under their own names, also in the ready file; each is the service's own program."""
    stack = a_stack(tmp_path, deliverers=3, matchers=2, only=("matcher", "deliverer"))
    names = ("matcher", "matcher-1", "deliverer", "deliverer-1", "deliverer-2")
    assert stack.wanted.services == names
    assert tuple(stack.ready()["metrics"]) == names
    assert len(set(stack.addresses.metrics_ports.values())) == len(names)
    second = stack.service_program("deliverer-1")
    assert second.command[-1] == "hooklane.deliverer"
    assert second.environ["HOOKLANE_DELIVERER_ORDINAL"] == "1"


def test_the_ready_file_appears_only_when_everything_is_ready(tmp_path):
    """Nobody reads addresses that do not answer yet."""
    ready_file = tmp_path / "ready.json"
    stack = a_stack(tmp_path / "state", ready_file=ready_file, only=("kafka",))
    stack.write_ready()
    assert not ready_file.exists()
    stack.is_ready = True
    stack.write_ready()
    ready = json.loads(ready_file.read_text())
    assert ready["kafka"] == stack.broker.bootstrap
    assert ready["api"] is None


def test_the_ready_file_of_a_killed_stack_is_removed(tmp_path):
    """A stale address misleads nobody."""
    ready_file = tmp_path / "ready.json"
    ready_file.write_text("stale")
    prepare_ready_file(ready_file)
    assert not ready_file.exists()


def test_the_ready_file_does_not_appear_before_anything_is_ready(tmp_path, monkeypatch):
    """Not even for the moment in which its place is tried: somebody waits for it."""
    written = []

    def write(path, text):
        written.append(path)
        path.write_text(text)

    monkeypatch.setattr("hooklane.embedded.stack.write_whole", write)
    prepare_ready_file(tmp_path / "ready.json")
    assert len(written) == 1
    assert tmp_path / "ready.json" not in written


def test_a_ready_file_without_a_folder_is_refused(tmp_path):
    """The sentence names the file."""
    with pytest.raises(Misconfigured) as caught:
        prepare_ready_file(tmp_path / "missing" / "ready.json")
    assert str(tmp_path / "missing" / "ready.json") in str(caught.value)
