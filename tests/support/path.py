"""The whole path for tests: `hooklane up` with short tiers, a publisher, the API, a receiver.

A tenant a test: events, endpoints and the ledger are a tenant's, so that the tests of one stack
do not see each other.
"""

import json
import os
import signal
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.cli.schema_files import event_types
from hooklane.cli.schemas import create_topics, default_folder, register_version
from hooklane.client import Client
from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import finished_in
from hooklane.domain.topics import Partition
from hooklane.publisher import Publisher
from support.delivering import Answering, Post, Receiver
from support.ledger import Ledger, Source, read_ledger
from support.stack import RunningStack, is_alive, read_ready, running, wait_until

TIERS = "1s,2s,5s"
WITHIN_S = 150.0
# A broker may be away meanwhile.
FLUSH = timedelta(seconds=150)
ORDER = "order.created"
ENVIRON = {
    "HOOKLANE_KAFKA_RETRY_TIERS": TIERS,
    # Enough for what is alive at once here, and a second's delay for deleted endpoints' lanes.
    "HOOKLANE_CONTROL_LANES_CHECK_S": "1",
    # An endpoint that always fails is to get its attempts when they are due, not one by one.
    "HOOKLANE_DELIVERER_BREAKER_ATTEMPTS_MIN": "1000000",
}


@dataclass
class Scripted(Answering):
    """Also: only the first so many attempts of each webhook-id are answered so, later ones 200."""

    failures: int | None = None


class Recorder(Receiver):
    """A receiver that can fail the first attempts of each webhook-id."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        super().__init__()

    def url(self, path: str, **answering) -> str:
        self.rules[path] = Scripted(**answering)
        return f"http://127.0.0.1:{self.port}{path}"

    def rule_of(self, post: Post) -> Answering:
        self.seen[post.path, post.event_id] += 1
        rule = super().rule_of(post)
        failures = getattr(rule, "failures", None)
        if failures is not None and self.seen[post.path, post.event_id] > failures:
            return Answering(status=200)
        return rule

    def of(self, path: str) -> list[Post]:
        return [post for post in list(self.posts) if post.path == path]


class WholePath:
    """A running stack with everything a test needs to use it as a user would."""

    def __init__(self, stack, *, client, publisher, receiver) -> None:
        self.stack, self.client, self.publisher = stack, client, publisher
        self.receiver = receiver
        self.settings = kafka_settings(stack)
        self.topics = self.settings.topics
        self.admin = kafka.admin(self.settings)
        self._example = json.loads((default_folder() / ORDER / "example.v2.json").read_text())

    def tenant(self) -> str:
        """Create a tenant no other test uses."""
        name = f"t{uuid.uuid4().hex[:10]}"
        self.client.create_tenant(name)
        return name

    def at(self, path, **answering) -> str:
        """Say how the receiver answers at a path; give the path."""
        self.receiver.url(path, **answering)
        return path

    def endpoint(self, tenant, path="", *, url=None, **fields) -> str:
        """Create an endpoint at a path of the receiver; it is effective when this returns."""
        about = {"subscription": ["order.*"], "retry_schedule": ["1s", "2s"], **fields}
        url = url or f"http://127.0.0.1:{self.receiver.port}{path}"
        made = self.client.create_endpoint(tenant=tenant, url=url, **about)
        if not made["effective"]:
            self.effective(made["id"])
        return made["id"]

    def effective(self, endpoint_id) -> None:
        """Wait until every event from now on sees the endpoint's newest revision."""
        wait(lambda: self.client.endpoint(endpoint_id)["effective"], f"{endpoint_id} effective")

    def publish(self, tenant, count=1) -> list[str]:
        """Publish orders; give their event ids in the order they were appended."""
        found = [
            self.publisher.publish(ORDER, self._example, version=2, tenant=tenant, key=tenant)
            for _ in range(count)
        ]
        self.publisher.flush(FLUSH)
        return [one.event_id for one in found]

    def rewrite(self, endpoint_id, path) -> None:
        """Point an endpoint to another path, effective when this returns."""
        url = f"http://127.0.0.1:{self.receiver.port}{path}"
        revision = self.client.endpoint(endpoint_id)["revision"]
        made = self.client.update_endpoint(endpoint_id, revision=revision, url=url)
        if not made["effective"]:
            self.effective(endpoint_id)

    def got(self, path, event_ids) -> None:
        """Wait until the receiver got all of these events at a path."""
        wanted = set(event_ids)
        wait(
            lambda: wanted <= set(self.receiver.event_ids(path)),
            f"{len(wanted)} events at {path}",
        )

    def dead_letters(self, endpoint_id) -> list[str]:
        """Give the delivery ids of an endpoint's dead letters, as the API lists them."""
        return [row["delivery_id"] for row in self.client.dead_letters(endpoint_id=endpoint_id)]

    def recorded(self, endpoint_id) -> list[str]:
        """Give the ids of an endpoint's attempts, as the API lists them."""
        return [row["attempt_id"] for row in self.client.attempts(endpoint_id=endpoint_id)]

    def ledger(self, tenant) -> Ledger:
        tiers = self.settings.retry_tiers
        return read_ledger(self.stack.kafka, self.admin, self.topics, tiers=tiers, tenant=tenant)

    def settle(self, endpoint_ids: Iterable[str]) -> None:
        """Wait until nothing is in these endpoints' lanes, nor in any tier."""
        lanes = [Partition(self.topics.lane(one), 0) for one in endpoint_ids]
        tiers = [
            Partition(self.topics.retry(tier), number)
            for tier in self.settings.retry_tiers
            for number in range(self.topics.counts.retry)
        ]
        seen: list[dict] = [{}]

        def is_at_rest() -> bool:
            try:
                ends = self.admin.ends([*lanes, *tiers])
                waits = self._unfinished("deliverer.0", lanes, ends)
                waits += self._unfinished("retrier", tiers, ends)
            except Unavailable:  # a broker that is back may not lead everything yet
                return False
            # What moves from one to another between two looks appends, and so moves an end.
            before, seen[0] = seen[0], ends
            return ends == before and (waits == 0 or self._only_markers_wait(lanes, tiers))

        wait(is_at_rest, "rest")

    def _only_markers_wait(self, lanes, tiers) -> bool:
        """Tell whether what commits have not passed holds no record: only markers."""
        source = Source(self.stack.kafka)
        for group, parts in (("deliverer.0", lanes), ("retrier", tiers)):
            commits = self.admin.committed(self.topics.group(group), parts)
            found = source.read_from(
                {tuple(p): commits[p].offset if p in commits else 0 for p in parts}
            )
            done = {p: frozenset(finished_in(commit)) for p, commit in commits.items()}
            if any(
                record.offset() not in done.get((record.topic(), record.partition()), ())
                for record in found
            ):
                return False
        return True

    def _unfinished(self, group, parts, ends) -> int:
        """Count what commits have not passed; markers that were not passed count too."""
        commits = self.admin.committed(self.topics.group(group), parts)
        waits = 0
        for part in parts:
            start, end = ends[part]
            if (commit := commits.get(part)) is None:
                waits += end - start
            else:
                above = sum(offset < end for offset in finished_in(commit))
                waits += max(0, end - max(start, commit.offset) - above)
        return waits

    def lag(self, endpoint_id) -> int:
        """Count what an endpoint's lane holds unfinished."""
        lane = [Partition(self.topics.lane(endpoint_id), 0)]
        return self._unfinished("deliverer.0", lane, self.admin.ends(lane))

    def kill(self, program, number=signal.SIGKILL) -> None:
        """Send a signal that ends a program, and wait until it is gone."""
        pid = self._signal(program, number)
        wait(lambda: not is_alive(pid), f"the end of {program}")

    def _signal(self, program, number) -> int:
        def sent() -> int | None:
            try:
                pid = self.stack.pids[program]
                os.kill(pid, number)
            except (KeyError, ProcessLookupError):
                return None  # it had ended by itself, and is started anew
            return pid

        return wait(sent, f"{program} to signal")

    def back(self, *services) -> None:
        """Wait until these services are ready, as they say."""
        for service in services:
            wait(lambda service=service: self._is_ready(service), f"{service} ready")

    def _is_ready(self, service) -> bool:
        try:
            answer = httpx.get(f"{self.stack.metrics[service]}/ready", trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Let nobody write to the database for as long as the block lasts."""
        with closing(sqlite3.connect(self.stack.directory / "hooklane.db", timeout=30)) as held:
            held.execute("BEGIN IMMEDIATE")
            yield
            held.rollback()

    @contextmanager
    def frozen(self, *programs) -> Iterator[None]:
        """Keep programs from running for as long as the block lasts: they answer nobody."""
        pids = [self._signal(program, signal.SIGSTOP) for program in programs]
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def a_stack(directory) -> Iterator[RunningStack]:
    """Run every service, or use the stack that `HOOKLANE_TEST_PATH` names by its ready file."""
    if ready := os.environ.get("HOOKLANE_TEST_PATH"):
        ready_file = Path(ready)
        yield read_ready(ready_file, directory=ready_file.parent / "state")
        return
    with running(directory, environ=ENVIRON) as started:
        yield started


@contextmanager
def whole_path(directory) -> Iterator[WholePath]:
    """Run everything for as long as the block lasts."""
    with a_stack(directory) as stack:
        settings = kafka_settings(stack)
        types = [one for one in event_types(default_folder()) if one.name == ORDER]
        address = RegistrySettings(url=stack.registry, timeout_ms=10_000)
        receiver = Recorder()
        try:
            with (
                closing(HttpRegistry(address)) as registry,
                closing(a_publisher(settings, registry)) as publisher,
                Client(stack.api, stack.api_key) as client,
            ):
                for version in types[0].versions:
                    register_version(registry, types[0], version=version)
                create_topics(settings, types, partitions=1)
                yield WholePath(stack, client=client, publisher=publisher, receiver=receiver)
        finally:
            receiver.close()


def a_publisher(settings, registry) -> Publisher:
    return Publisher(
        kafka.producer(settings, instance="tests"),
        registry=registry,
        admin=kafka.admin(settings),
        clock=SystemClock(),
        source="tests",
    )


def kafka_settings(stack) -> KafkaSettings:
    """Give the settings that the embedded stack gives its services."""
    return KafkaSettings(
        bootstrap=stack.kafka, replication=1, retry_tiers=TIERS,
        retry_partitions=2, log_partitions=4, commands_partitions=1, pool_partitions=2,
    )  # fmt: skip


@contextmanager
def publishing(path: WholePath, tenant: str, *, every_s: float) -> Iterator[list[str]]:
    """Publish one event after another for as long as the block lasts; gives their ids."""
    found: list[str] = []
    failed: list[Exception] = []
    stop = threading.Event()

    def run() -> None:
        try:
            while not stop.wait(every_s):
                # One that was not acknowledged is nobody's, as it is for any producer.
                with suppress(Unavailable):
                    found.extend(path.publish(tenant))
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(120)
    assert failed == []


def wait(condition, what: str, *, within_s: float = WITHIN_S):
    """Return the condition's first true value."""
    return wait_until(condition, within_s=within_s, what=what)
