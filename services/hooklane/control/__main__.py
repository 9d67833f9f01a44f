"""Run control: `python -m hooklane.control`."""

from __future__ import annotations

import sys
from datetime import timedelta

from pydantic_settings import BaseSettings

from hooklane.adapters import kafka
from hooklane.adapters.api_server import ApiServer
from hooklane.adapters.http.target import target
from hooklane.adapters.kafka.fetching import gathering
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import run
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.sealing import Sealer
from hooklane.adapters.settings import KafkaSettings, RegistrySettings, SealingSettings
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.sql.engine import connect
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.control.build import World, control
from hooklane.control.health import GATHER
from hooklane.control.relay import Cluster, transactional_id
from hooklane.control.settings import ControlSettings
from hooklane.control.worker import Control


def _build(
    own: ControlSettings,
    cluster: KafkaSettings,
    *others: BaseSettings,
    log: Log,
    clock: Clock,
) -> Control:
    """Name the adapters and build the worker; the others are what sealing and registry say."""
    sealing, registry = others
    assert isinstance(sealing, SealingSettings)
    assert isinstance(registry, RegistrySettings)
    instance = f"{cluster.topics.prefix}.control.{own.ordinal}"
    engine = connect(own.database_url.get_secret_value())
    admin = kafka.admin(cluster)
    world = World(
        upgrade=lambda: upgrade(engine, log=log),
        store=SqlControlStore(
            engine, cluster.topics, read_timeout=timedelta(milliseconds=own.read_timeout_ms)
        ),
        admin=admin,
        cluster=Cluster(
            admin=admin,
            open_producer=lambda: kafka.transactional_producer(
                cluster, transactional_id=transactional_id(cluster.topics)
            ),
            open_reader=lambda: kafka.reader(cluster, instance=instance),
            clock=clock,
            log=log,
        ),
        open_reader=lambda: kafka.reader(cluster, instance=instance),
        open_gathering_reader=lambda: kafka.reader(
            cluster, instance=instance, fetching=gathering(GATHER)
        ),
        registry=HttpRegistry(registry),
        sealer=Sealer(sealing.by_id()),
        check_target=target,
        serve=ApiServer,
        clock=clock,
        log=log,
    )
    return control(world, own, kafka=cluster)


if __name__ == "__main__":
    sections = (ControlSettings, KafkaSettings, SealingSettings, RegistrySettings)
    sys.exit(run("control", sections, build=_build))
