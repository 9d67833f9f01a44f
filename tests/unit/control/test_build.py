from hooklane.adapters.settings import KafkaSettings, load
from hooklane.control.build import control
from support.control import KAFKA


def test_control_is_built_from_its_settings_and_prepares_the_topics(bench):
    """The API's port is taken at once; warnings about the brokers are told."""
    environment = dict(KAFKA) | {"HOOKLANE_KAFKA_PREFIX": "other"}
    kafka = load(KafkaSettings, environment)
    own = bench.own.model_copy(update={"port": 0})
    bench.cluster.warnings = ["offsets are forgotten soon"]
    worker = control(bench.world, own, kafka=kafka)
    worker._parts.prepare(bench.admin)
    assert kafka.topics.endpoints in bench.admin.topics()
    assert ("broker.warned", {"warning": "offsets are forgotten soon"}) in bench.lines
    worker._parts.server.stop()
