"""How every sender shares its connections, waits, is cut and closed."""

from __future__ import annotations

import asyncio

from contract.http.receivers import OK, SHORT_MS, answering, receiving, request_to
from hooklane.adapters.http.port import Outcome


def gated():
    """Answer each request once the receiver's gate is open."""

    async def script(visit):
        while True:
            await visit.request()
            visit.receiver.arrived.release()
            await visit.receiver.gate.wait()
            await visit.say(OK)

    return script


def with_gate(receiver):
    receiver.gate = asyncio.Event()
    receiver.arrived = asyncio.Semaphore(0)
    return receiver


async def arrivals(receiver, count):
    for _ in range(count):
        await receiver.arrived.acquire()


def test_a_host_gets_no_more_connections_than_its_limit(bench):
    """What is over the limit waits its turn, and is answered."""

    async def scenario():
        async with (
            receiving(gated()) as receiver,
            bench.sender(connections_per_host_max=2) as sender,
        ):
            with_gate(receiver)
            sent = [sender.submit(receiver.url, body=b"%d" % n) for n in range(6)]
            await arrivals(receiver, 2)
            assert sender.sender.open_count == 6
            receiver.gate.set()
            answers = await asyncio.gather(*sent)
            assert {answer.outcome for answer in answers} == {Outcome.SUCCEEDED}
            assert receiver.open_max == 2
            assert sorted(receiver.bodies) == [b"0", b"1", b"2", b"3", b"4", b"5"]
            assert sender.sender.open_count == 0

    bench.run(scenario)


def test_the_limit_in_all_holds_over_hosts_and_starves_none(bench):
    """Two busy hosts share fewer connections than they have requests; each is served."""

    async def scenario():
        async with (
            receiving(gated()) as one,
            receiving(gated()) as two,
            bench.sender(connections_max=2) as sender,
        ):
            with_gate(one)
            with_gate(two)
            sent = [sender.submit(one.url) for _ in range(8)]
            await arrivals(one, 2)
            late = [sender.submit(two.url) for _ in range(4)]
            assert two.connections == 0
            two.gate.set()
            one.gate.set()
            answers = await asyncio.gather(*sent, *late)
            assert {answer.outcome for answer in answers} == {Outcome.SUCCEEDED}
            assert one.open_max <= 2
            assert two.open_max <= 2

    bench.run(scenario)


def test_a_host_that_is_never_idle_does_not_starve_another(bench):
    """Who waits for a place gets one, however long another's queue is."""

    async def scenario():
        async with (
            receiving(answering(OK)) as one,
            receiving(answering(OK)) as two,
            bench.sender(connections_max=2) as sender,
        ):
            answered = False

            def again(request, answer):
                if not answered and answer.outcome is Outcome.SUCCEEDED:
                    sender.sender.submit(request, again)

            for _ in range(8):
                sender.sender.submit(request_to(one.url), again)
            answers = [await sender.post(two.url) for _ in range(5)]
            answered = True
            assert [answer.outcome for answer in answers] == [Outcome.SUCCEEDED] * 5

    bench.run(scenario)


def test_idle_connections_make_room_for_other_hosts(bench):
    """A connection kept for one host does not stand in another's way."""

    async def scenario():
        async with (
            receiving(answering(OK)) as one,
            receiving(answering(OK)) as two,
            bench.sender(connections_max=1) as sender,
        ):
            for receiver in (one, two, one):
                answer = await sender.post(receiver.url)
                assert answer.outcome is Outcome.SUCCEEDED

    bench.run(scenario)


def test_who_waits_for_a_connection_is_timed_out_at_its_deadline(bench):
    """Waiting counts; a request that never got a connection was never sent."""

    async def scenario():
        async with (
            receiving(gated()) as receiver,
            bench.sender(connections_per_host_max=1) as sender,
        ):
            with_gate(receiver)
            first = sender.submit(receiver.url)
            await arrivals(receiver, 1)
            answer = await sender.post(receiver.url, timeout_ms=SHORT_MS)
            assert answer.outcome is Outcome.TIMED_OUT
            assert answer.error == "waiting for a connection timed out"
            receiver.gate.set()
            assert (await first).outcome is Outcome.SUCCEEDED
            assert len(receiver.heads) == 1

    bench.run(scenario)


def test_more_than_may_wait_fails_at_once(bench):
    """The queue is bounded: what is over it is told so, not kept."""

    async def scenario():
        async with (
            receiving(gated()) as receiver,
            bench.sender(connections_per_host_max=1, waiting_max=1) as sender,
        ):
            with_gate(receiver)
            first = sender.submit(receiver.url)
            await arrivals(receiver, 1)
            second = sender.submit(receiver.url)
            answer = await sender.post(receiver.url)
            assert answer.outcome is Outcome.FAILED
            assert answer.error == "too many requests wait for a connection"
            receiver.gate.set()
            assert (await first).outcome is Outcome.SUCCEEDED
            assert (await second).outcome is Outcome.SUCCEEDED

    bench.run(scenario)


def test_a_cut_request_is_timed_out_at_once_wherever_it_stands(bench):
    """Cut before it returns: dialing, on a connection, or waiting for one."""

    async def scenario():
        async with (
            receiving(gated()) as receiver,
            bench.sender(connections_per_host_max=1, names={"slow.example": "never"}) as sender,
        ):
            with_gate(receiver)
            sending = sender.submit(receiver.url)
            await arrivals(receiver, 1)
            waiting = sender.submit(receiver.url)
            dialing = sender.submit("http://slow.example/")
            for sent in (waiting, dialing, sending):
                sender.sender.cut(sent.request)
                assert sent.answered.done()
                answer = await sent
                assert (answer.outcome, answer.error) == (Outcome.TIMED_OUT, "cut")
                sender.sender.cut(sent.request)
            assert sender.sender.open_count == 0
            receiver.gate.set()
            # The places of what was cut are free again.
            assert (await sender.post(receiver.url)).outcome is Outcome.SUCCEEDED

    bench.run(scenario)


def test_a_place_cut_before_its_dial_began_is_free_again(bench):
    """A request cut in the same turn of the loop leaves no place taken for ever."""

    async def scenario():
        async with (
            receiving(answering(OK)) as receiver,
            bench.sender(connections_per_host_max=1) as sender,
        ):
            sent = sender.submit(receiver.url)
            sender.sender.cut(sent.request)
            assert (await sent).outcome is Outcome.TIMED_OUT
            assert (await sender.post(receiver.url)).outcome is Outcome.SUCCEEDED

    bench.run(scenario)


def test_closing_answers_what_is_open_and_refuses_what_comes_later(bench):
    """No request is left without its answer."""

    async def scenario():
        async with receiving(gated()) as receiver, bench.sender() as sender:
            with_gate(receiver)
            sent = [sender.submit(receiver.url) for _ in range(3)]
            await arrivals(receiver, 3)
            await sender.sender.close()
            outcomes = [(await one).outcome for one in sent]
            assert outcomes == [Outcome.TIMED_OUT] * 3
            late = await sender.post(receiver.url)
            assert (late.outcome, late.error) == (Outcome.FAILED, "the sender is closed")

    bench.run(scenario)


def test_an_answer_may_submit_the_next_request(bench):
    """Submitting from the callback goes on over the same connection."""

    async def scenario():
        async with receiving(answering(OK)) as receiver, bench.sender() as sender:
            finished = asyncio.get_running_loop().create_future()
            first = sender.submit(receiver.url)
            request, seen = first.request, []

            def next_one(sent, answer):
                seen.append(answer.outcome)
                if len(seen) == 5:
                    finished.set_result(None)
                else:
                    sender.sender.submit(sent, next_one)

            await first
            sender.sender.submit(request, next_one)
            await finished
            assert seen == [Outcome.SUCCEEDED] * 5
            assert receiver.connections == 1

    bench.run(scenario)


def test_a_callback_that_raises_harms_no_other_request(bench):
    """The fault goes to the loop's handler; the sender goes on."""

    async def scenario():
        async with receiving(answering(OK)) as receiver, bench.sender() as sender:
            called = asyncio.Event()

            def broken(sent, answer):
                called.set()
                raise RuntimeError("not the sender's fault")

            first = sender.submit(receiver.url)
            await first
            sender.sender.submit(first.request, broken)
            await called.wait()
            assert (await sender.post(receiver.url)).outcome is Outcome.SUCCEEDED
            assert sender.sender.open_count == 0

    bench.run(scenario)


def test_an_idle_connection_is_closed_after_a_while(bench):
    """Nothing is kept open for ever."""

    async def scenario():
        async with receiving(answering(OK)) as receiver, bench.sender(idle_ms=50) as sender:
            await sender.post(receiver.url)
            visits = tuple(receiver.visits)
            _, still_open = await asyncio.wait(visits, timeout=1) if visits else ((), ())
            assert len(still_open) == 0

    bench.run(scenario)
