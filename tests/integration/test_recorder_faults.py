"""The recorder on real Kafka: killed in mid-batch, its rows are exactly the records."""

import random
import time

import pytest
import sqlalchemy as sa

from hooklane.adapters import kafka
from hooklane.adapters.codec import codec
from hooklane.adapters.settings import KafkaSettings, load
from hooklane.adapters.sql.engine import connect, reading
from hooklane.adapters.sql.tables import attempts
from hooklane.adapters.sql.upgrade import upgrade
from support.recording import attempt_value
from support.services import Service, kafka_environment

pytestmark = pytest.mark.kafka
RECORDS = 6_000
WITHIN_S = 90


@pytest.mark.timeout(180)
def test_a_recorder_killed_in_mid_batch_loses_and_doubles_nothing(bootstrap, prefix, tmp_path):
    """SIGKILL again and again while it writes: as many rows as committed records, each once."""
    environment = kafka_environment(bootstrap, prefix)
    settings = load(KafkaSettings, environment)
    kafka.admin(settings).ensure(settings.topics.specs(settings.retry_tiers), replication=1)
    database = f"sqlite:///{tmp_path}/log.db"
    engine = connect(database)
    upgrade(engine)
    written = write(settings)
    own = {"HOOKLANE_RECORDER_DATABASE_URL": database, "HOOKLANE_RECORDER_BATCH_RECORDS": "400"}
    service = Service("recorder", environment | own, tmp_path / "recorder.log").start()
    chance, kills = random.Random(7), 0
    deadline = time.monotonic() + WITHIN_S
    try:
        seen = 0
        while (found := count(engine)) < len(written):
            assert time.monotonic() < deadline, (found, kills, service.log.read_text()[-2000:])
            if found > seen and kills < 2:
                time.sleep(chance.random() * 0.2)
                service.kill()
                kills, seen = kills + 1, count(engine) + 1_000
                service.start()
            time.sleep(0.02)
    finally:
        service.stop()
    assert kills == 2
    assert numbers(engine) == written
    engine.dispose()


def write(settings):
    """Write attempts in transactions of 300, every fifth of them aborted."""
    producer = kafka.transactional_producer(settings, transactional_id=f"{settings.prefix}.writer")
    written = []
    for begin in range(0, RECORDS, 300):
        producer.begin()
        for number in range(begin, begin + 300):
            value = codec("attempt").encode(attempt_value(number))
            producer.produce(settings.topics.attempts, value, key=b"dlv_%d" % number)
        if begin // 300 % 5 == 4:
            # librdkafka can't abort what it has not sent: let the records reach the log.
            time.sleep(0.3)
            producer.abort()
        else:
            producer.commit()
            written += range(begin, begin + 300)
    producer.close()
    return written


def count(engine):
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(attempts)).scalar_one()


def numbers(engine):
    with reading(engine) as connection:
        query = sa.select(attempts.c.number).order_by(attempts.c.number)
        return [number for (number,) in connection.execute(query)]
