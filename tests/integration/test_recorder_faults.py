"""The recorder on real Kafka: killed in mid-batch, its rows are exactly the records."""

import random
import time
from contextlib import nullcontext

import pytest
import sqlalchemy as sa

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.codec import codec
from hooklane.adapters.settings import KafkaSettings, load
from hooklane.adapters.sql.engine import connect, reading
from hooklane.adapters.sql.tables import attempts, dead_letters, offsets, receipts
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.domain.delivery import to_ms
from hooklane.domain.topics import Partition
from support.postgresql import Missing, cluster
from support.recorder_lives import BATCH, live, nursery
from support.recording import attempt_value, dead_headers, delivery_value, receipt_value
from support.services import Service, kafka_environment

pytestmark = pytest.mark.kafka
# On each of the two databases.
KILLS = 20
# So many that no life but the last comes to the end.
TRANSACTIONS, EACH = 120, 200
WITHIN_S = 120


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    try:
        is_file = request.param == "sqlite"
        where = f"sqlite:///{tmp_path}/log.db"
        with nullcontext(where) if is_file else cluster() as url:
            yield url
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.timeout(180)
def test_a_recorder_killed_in_mid_batch_loses_and_doubles_nothing(
    bootstrap, prefix, database, tmp_path
):
    """SIGKILL again and again while it writes: as many rows as committed records, each once."""
    environment = kafka_environment(bootstrap, prefix)
    settings = load(KafkaSettings, environment)
    kafka.admin(settings).ensure(settings.topics.specs(settings.retry_tiers), replication=1)
    engine = connect(database)
    upgrade(engine)
    written = write(settings)
    kill_again_and_again(engine, environment, database, count_max=len(written))
    own = {"HOOKLANE_RECORDER_DATABASE_URL": database, "HOOKLANE_RECORDER_LAG_S": "1"}
    last = Service("recorder", environment | own, tmp_path / "recorder.log").start()
    try:
        # Behind the last transaction's markers too.
        wait_until(lambda: read_offsets(engine) == ends(settings))
    finally:
        last.stop()
    assert numbers(engine, attempts.c.number) == written
    assert numbers(engine, receipts.c.source_offset) == written
    assert numbers(engine, dead_letters.c.version) == written[::10]
    engine.dispose()


def kill_again_and_again(engine, environment, database, *, count_max):
    """Kill each life a moment after its first batch: within the next one, or between two."""
    chance = random.Random(7)
    for _ in range(KILLS):
        before = sum(read_offsets(engine).values())
        life = begin(environment, database)
        try:
            wait_until(lambda before=before: sum(read_offsets(engine).values()) > before)
            time.sleep(chance.random() * 0.03)
        finally:
            end(life)
        assert count(engine, attempts) < count_max, "it came to the end: write more"


def begin(environment, database):
    life = nursery().Process(target=live, args=(environment, database), daemon=True)
    life.start()
    return life


def end(life):
    life.kill()
    life.join()
    life.close()


def wait_until(holds):
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def write(settings):
    """Write to the three topics in transactions, every fifth of them aborted."""
    producer = kafka.transactional_producer(settings, transactional_id=f"{settings.prefix}.writer")
    topics, now, written = settings.topics, to_ms(SystemClock().now()), []
    for first in range(0, TRANSACTIONS * EACH, EACH):
        producer.begin()
        for number in range(first, first + EACH):
            key = b"dlv_%d" % number
            value = codec("attempt").encode(attempt_value(number, started_at=now))
            producer.produce(topics.attempts, value, key=key)
            producer.produce(topics.matches, codec("match").encode(receipt_value(number)), key=key)
            if number % 10 == 0:
                value = codec("delivery").encode(delivery_value(number, version=number))
                headers = dead_headers()
                producer.produce(topics.dead_letters, value, key=key, headers=headers)
        if first // EACH % 5 == 4:
            # librdkafka can't abort what it has not sent: let the records reach the log.
            producer._producer.flush(10)
            producer.abort()
        else:
            producer.commit()
            written += range(first, first + EACH)
    producer.close()
    assert len(written) > KILLS * BATCH
    return written


def ends(settings):
    """Give the end of every partition that has records."""
    topics = settings.topics
    admin = kafka.admin(settings)
    names = (topics.attempts, topics.matches, topics.dead_letters)
    places = [Partition(name, number) for name in names for number in range(2)]
    return {place: end for place, (_, end) in admin.ends(places).items() if end}


def read_offsets(engine):
    with reading(engine) as connection:
        query = sa.select(offsets.c.topic, offsets.c.partition, offsets.c.next_offset)
        return {Partition(name, number): at for name, number, at in connection.execute(query)}


def count(engine, table):
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def numbers(engine, column):
    with reading(engine) as connection:
        return list(connection.execute(sa.select(column).order_by(column)).scalars())
