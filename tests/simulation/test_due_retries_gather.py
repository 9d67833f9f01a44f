"""How due retries come together in transactions: a storm must not keep the broker busy."""

from datetime import timedelta
from itertools import pairwise

from hooklane.domain.delivery import to_ms
from support.deliveries import START
from support.retrying import SECOND, RetrierBench

MS = timedelta(milliseconds=1)


def test_what_falls_due_one_after_another_goes_together():
    """At most 50 ms late, none early; and the first one at once."""
    bench = RetrierBench()
    bench.endpoint()
    for number in range(40):
        bench.wait(number, due_in=5500 * MS + number * 10 * MS)

    bench.run(bench.retrier(), 7 * SECOND)

    copied = [record.timestamp()[1] - to_ms(START) for record in bench.lane()]
    late = [at - (5500 + number * 10) for number, at in enumerate(copied)]
    assert len(copied) == 40
    assert (late[0], min(late) >= 0, max(late) <= 50) == (0, True, True)
    rounds = sorted(set(copied))
    assert min(after - before for before, after in pairwise(rounds)) >= 50


def test_a_backlog_is_not_held_up():
    """Where more is due than a transaction holds, the next one follows at once."""
    bench = RetrierBench(transaction_records_max=10)
    bench.endpoint()
    for number in range(100):
        bench.wait(number)

    bench.run(bench.retrier(), 6 * SECOND)

    copied = [record.timestamp()[1] for record in bench.lane()]
    assert (len(copied), max(copied) - min(copied) <= 50) == (100, True)
