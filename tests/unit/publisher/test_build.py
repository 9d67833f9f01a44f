"""The door is built from its settings."""

from hooklane.publisher.build import ingest
from support.ingesting import IngestBench


def test_the_door_is_built_from_its_settings():
    """The port is taken at once, nothing is asked of anybody."""
    bench = IngestBench(host="127.0.0.1", port="8071")
    bench.cluster.down()
    worker = ingest(bench.world, bench.own)
    assert (worker.server.host, worker.server.port) == ("127.0.0.1", 8071)
    assert (worker.server.calls, bench.registry.asked) == ([], 0)
