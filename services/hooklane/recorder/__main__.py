"""Run the recorder: `python -m hooklane.recorder`."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from hooklane.adapters import kafka
from hooklane.adapters.kafka.fetching import gathering
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import run
from hooklane.adapters.settings import KafkaSettings
from hooklane.adapters.sql.engine import connect
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.recorder.rows import Choice
from hooklane.recorder.settings import RecorderSettings
from hooklane.recorder.worker import Pace, Recorder, Surroundings


def build(own: RecorderSettings, cluster: KafkaSettings, *, log: Log, clock: Clock) -> Recorder:
    """Name the adapters and build the worker."""
    # On a machine it shares with the data plane, deliveries go first.
    os.nice(own.niceness)
    topics = cluster.topics
    instance = f"{topics.prefix}.recorder.{own.ordinal}"
    # What a power cut takes is read from the topics anew.
    engine = connect(own.database_url.get_secret_value(), durable=False)
    around = Surroundings(
        member=kafka.member(
            cluster,
            group=topics.group("recorder"),
            instance=instance,
            fetching=gathering(timedelta(milliseconds=own.wait_ms)),
        ),
        admin=kafka.admin(cluster),
        store=SqlRecorderStore(engine, log=log),
        topics=topics,
        clock=clock,
        log=log,
    )
    pace = Pace(
        batch_records=own.batch_records,
        wait=timedelta(milliseconds=own.wait_ms),
        lag=timedelta(seconds=own.lag_s),
    )
    choice = Choice(unmatched=own.keeps_unmatched, search=own.search)
    return Recorder(around, pace=pace, keep=own.keep, choice=choice)


if __name__ == "__main__":
    sys.exit(run("recorder", (RecorderSettings, KafkaSettings), build=build))
