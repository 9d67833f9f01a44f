"""Recorders as processes that are quick to start: forked of a server that has imported everything.

Each life joins a group of its own, so that it need not wait for its killed predecessor's session
to end: where it begins is told by SQL alone.
"""

import multiprocessing
from datetime import timedelta

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.log import json_log
from hooklane.adapters.settings import KafkaSettings, load
from hooklane.adapters.sql.engine import connect
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.domain.errors import Unavailable
from hooklane.recorder.worker import Pace, Recorder, Surroundings

BATCH = 250


def nursery():
    """Give the context whose processes are forked of the server."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.recorder_lives", "psycopg"])
    return context


def live(environment, database, number):
    """Record until killed."""
    settings = load(KafkaSettings, environment)
    clock = SystemClock()
    log = json_log("recorder", clock=clock)
    around = Surroundings(
        member=kafka.member(
            settings,
            group=settings.topics.group(f"recorder.{number}"),
            instance=f"{settings.prefix}.recorder.{number}",
        ),
        admin=kafka.admin(settings),
        store=SqlRecorderStore(connect(database, durable=False), log=log),
        topics=settings.topics,
        clock=clock,
        log=log,
    )
    pace = Pace(batch_records=BATCH, wait=timedelta(milliseconds=50), lag=timedelta(seconds=1))
    recorder = Recorder(around, pace=pace)
    recorder.start()
    while True:
        try:
            recorder.step()
        except Unavailable as error:
            log("recorder.waits", error=str(error))
            clock.sleep(0.05)
