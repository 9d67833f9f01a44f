"""`hooklane up` as a user runs it: ready, kept, refused, ended."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from support.stack import HOOKLANE, end, is_alive, running, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

BOTH = ("--only", "kafka,registry")
TOPIC = "kept"


def run(*arguments):
    return subprocess.run(
        [HOOKLANE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def listening(pid: int) -> set[tuple[str, int]]:
    """Give the addresses a process listens on, from the kernel's own tables."""
    entries = Path(f"/proc/{pid}/fd").iterdir()
    links = (str(entry.readlink()) for entry in entries if entry.is_symlink())
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                words = bytes.fromhex(address)
                raw = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
                found.add((socket.inet_ntop(family, raw), int(port, 16)))
    return found


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    with running(tmp_path_factory.mktemp("up") / "state", *BOTH) as started:
        yield started


def test_the_ready_file_says_where_everything_is(up):
    """Addresses, pids and the metrics' addresses, in JSON, for its owner's eyes."""
    ready = json.loads(up.ready_file.read_text())
    assert {"kafka", "registry", "api", "api_key", "metrics", "pids"} <= set(ready)
    assert {"up", "kafka", "registry"} == set(ready["pids"])
    assert ready["pids"]["up"] == up.process.pid
    assert up.ready_file.stat().st_mode & 0o077 == 0


def test_everything_listens_on_loopback_only(up):
    """Nobody else on the network reaches a laptop's stack."""
    found = {address for pid in up.pids.values() for address, _ in listening(pid)}
    assert found <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    assert found


def test_a_directory_in_use_is_refused(up):
    """Exit code 2, one sentence that names the directory, and the first stack goes on."""
    before = up.pids
    done = run("up", "--dir", str(up.directory), *BOTH)
    assert done.returncode == 2
    assert f"the directory {up.directory} is in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert before == up.pids


def test_a_broker_that_is_killed_comes_back_where_it_was(up):
    """Same address, and the ready file names its new pid."""
    before = up.pids["kafka"]
    os.kill(before, signal.SIGKILL)
    after = wait_until(
        lambda: (pid := up.pids.get("kafka")) != before and pid, within_s=20, what="a new broker"
    )
    assert is_alive(after)
    assert AdminClient({"bootstrap.servers": up.kafka}).list_topics(timeout=30).brokers


def test_a_second_start_keeps_everything_and_a_killed_one_leaves_nothing_running(tmp_path):
    """SIGTERM ends all and loses nothing; SIGKILL of `up` alone ends all the same."""
    state = tmp_path / "state"
    with running(state, *BOTH) as first:
        leave_a_trace(first)
        drawn = [(state / name).read_text() for name in ("api-key", "cluster-id", "sealing-keys")]
        pids = first.pids
        assert end(first.process) == 0
    assert not any(is_alive(pid) for pid in pids.values())
    assert not first.ready_file.exists()

    with running(state, *BOTH) as second:
        assert [read_record(second), *subjects(second)] == ["a record", "Thing"]
        again = [(state / name).read_text() for name in ("api-key", "cluster-id", "sealing-keys")]
        assert drawn == again
        pids = second.pids
        second.process.kill()
        second.process.wait()
        wait_until(
            lambda: not any(is_alive(pid) for pid in pids.values()),
            within_s=5,
            what="the end of everything",
        )


def test_ctrl_c_ends_everything(tmp_path):
    """SIGINT is SIGTERM's equal, with exit code 0, also before everything is ready."""
    with running(tmp_path / "state", "--only", "kafka") as started:
        pids = started.pids
        assert end(started.process, signal.SIGINT) == 0
    assert not any(is_alive(pid) for pid in pids.values())


def leave_a_trace(stack):
    admin = AdminClient({"bootstrap.servers": stack.kafka})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result()
    producer = Producer({"bootstrap.servers": stack.kafka})
    producer.produce(TOPIC, b"a record")
    assert producer.flush(10) == 0
    schema = json.dumps({"type": "record", "name": "Thing", "fields": []})
    answer = httpx.post(
        f"{stack.registry}/subjects/Thing/versions", json={"schema": schema}, trust_env=False
    )
    assert answer.status_code == 200


def read_record(stack):
    consumer = Consumer({"bootstrap.servers": stack.kafka, "group.id": "reader"})
    try:
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        record = consumer.poll(20)
        assert record is not None
        return record.value().decode()
    finally:
        consumer.close()


def subjects(stack):
    return httpx.get(f"{stack.registry}/subjects", trust_env=False).json()
