"""Everything that was opened is closed, the group first."""

from support.replaying import ReplayerBench


class Closing:
    def __init__(self, name, closed):
        self.name, self.closed = name, closed

    def close(self):
        self.closed.append(self.name)


def test_the_group_is_left_first():
    """So that its partitions move at once."""
    import dataclasses

    bench = ReplayerBench()
    bench.replayer()
    closed = []
    parts = {name: Closing(name, closed) for name in ("member", "producer", "reader", "admin")}
    around = dataclasses.replace(bench.around, **parts, others=[Closing("table", closed)])

    around.close()

    assert closed == ["member", "producer", "reader", "admin", "table"]
