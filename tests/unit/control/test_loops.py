import threading

from hooklane.control.loops import Loop
from hooklane.domain.errors import Unavailable

LONG = 10


def test_a_loop_waits_out_what_is_unavailable_and_recovers():
    """It says what it waits for, and goes on by itself."""
    seen, again = [], threading.Event()

    def step():
        if len(seen) == 0:
            seen.append("failed")
            raise Unavailable("database: away")
        seen.append(loop.trouble)
        again.set()
        threading.Event().wait(0.01)

    loop = Loop("test", step)
    loop.start()
    assert again.wait(LONG)
    loop.stop()
    assert seen[1].endswith("database: away")
    assert (loop.trouble, loop.failure) == (None, None)


def test_anything_else_ends_it_and_is_kept():
    """The worker raises it on the main thread, where the process ends."""
    error = RuntimeError("a bug")

    def step():
        raise error

    loop = Loop("test", step)
    loop.start()
    loop.stop()
    assert loop.failure is error


def test_stop_wakes_what_waits():
    """A loop that sleeps on a bell is rung."""
    bell, entered = threading.Event(), threading.Event()

    def step():
        entered.set()
        bell.wait(LONG)

    loop = Loop("test", step)
    loop.start()
    assert entered.wait(LONG)
    loop.stop(wake=bell.set)
    assert bell.is_set()
