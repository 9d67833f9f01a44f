"""Calls cross in order; what a call raises reaches the poll thread; the sender is closed."""

import asyncio
import threading

import pytest

from hooklane.deliverer.crossing import LoopThread, SameThread


class Sender:
    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.closed = False

    async def close(self):
        self.closed = True


@pytest.fixture
def crossing():
    made = LoopThread(asyncio.new_event_loop, Sender)
    yield made
    made.stop()


def test_calls_run_on_the_loops_thread_in_their_order(crossing):
    """One after the other, on no thread of ours."""
    sender = crossing.start()
    assert crossing.start() is sender
    found, done = [], threading.Event()
    for number in range(100):
        crossing.call(found.append, number)
    crossing.call(
        lambda *, last: (found.append(threading.current_thread().name), last.set()), last=done
    )
    assert done.wait(10)
    assert found == [*range(100), "loop"]
    crossing.check()


def test_what_a_call_raises_ends_the_process(crossing):
    """The poll thread raises it at its next check."""
    crossing.start()
    done = threading.Event()

    def fail():
        raise ValueError("a bug")

    crossing.call(fail)
    crossing.call(done.set)
    assert done.wait(10)
    with pytest.raises(ValueError, match="a bug"):
        crossing.check()


def test_stopping_closes_the_sender_and_may_be_repeated():
    """Also before the start."""
    crossing = LoopThread(asyncio.new_event_loop, Sender)
    crossing.stop()
    sender = crossing.start()
    crossing.stop()
    crossing.stop()
    assert sender.closed
    assert sender.loop.is_closed()


def test_on_one_thread_a_call_happens_at_once():
    """As simulations need it."""
    sender, found = object(), []
    crossing = SameThread(sender)
    assert crossing.start() is sender
    crossing.call(found.append, 1)
    crossing.check()
    crossing.stop()
    assert found == [1]
