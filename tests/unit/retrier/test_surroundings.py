"""Everything that was opened is closed, the group first."""

from support.retrying import RetrierBench


class Closing:
    def __init__(self, name, closed):
        self.name, self.closed = name, closed

    def close(self):
        self.closed.append(self.name)


def test_the_group_is_left_first():
    """So that its partitions move at once."""
    import dataclasses

    bench = RetrierBench()
    bench.retrier()
    closed = []
    parts = {name: Closing(name, closed) for name in ("member", "producer", "admin")}
    around = dataclasses.replace(bench.around, **parts, others=[Closing("reader", closed)])

    around.close()

    assert closed == ["member", "producer", "reader", "admin"]
