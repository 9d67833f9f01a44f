"""The books of the connection pool: limits, turns, and who gives way."""

from __future__ import annotations

from hooklane.adapters.http.exchange import Exchange
from hooklane.adapters.http.pool import Pool
from hooklane.adapters.http.port import Limits, Request, target

ONE = target("http://one.example/", {})
TWO = target("http://two.example/", {})


def exchange_to(aim):
    return Exchange(Request(target=aim, headers=b"", body=b""), print, started=0.0)


def pool_of(per_host, in_all):
    return Pool(Limits(connections_per_host_max=per_host, connections_max=in_all))


def test_a_host_may_open_up_to_its_limit():
    """The limit per host counts dials as well."""
    pool = pool_of(2, 10)
    host = pool.host(ONE.origin)
    pool.opened(host)
    assert pool.may_open(host)
    pool.opened(host)
    assert not pool.may_open(host)
    pool.freed(ONE.origin)
    assert pool.may_open(host)


def test_requests_of_a_host_wait_first_in_first_out():
    """Nobody is overtaken by a later request to the same host."""
    pool = pool_of(1, 1)
    waiting = [exchange_to(ONE) for _ in range(3)]
    for exchange in waiting:
        pool.wait(ONE.origin, exchange)
    pool.forget_waiting(waiting[1])
    assert [pool.next_waiting(ONE.origin) for _ in range(3)] == [waiting[0], waiting[2], None]
    assert pool.waiting_count == 0


def test_only_what_the_limit_in_all_stops_is_starved():
    """A host at its own limit waits for its own connections."""
    pool = pool_of(1, 2)
    pool.opened(pool.host(ONE.origin))
    pool.wait(ONE.origin, exchange_to(ONE))
    assert pool.starved() is None
    pool.wait(TWO.origin, exchange_to(TWO))
    assert pool.starved() == TWO.origin


def test_starved_hosts_take_turns():
    """Each gets one place before any gets a second."""
    pool = pool_of(5, 1)
    for aim in (ONE, ONE, TWO):
        pool.wait(aim.origin, exchange_to(aim))
    turns = []
    while (origin := pool.starved()) is not None:
        turns.append(origin)
        pool.next_waiting(origin)
        pool.turn_taken(origin)
    assert turns == [ONE.origin, TWO.origin, ONE.origin]


def test_a_larger_host_gives_way_to_one_that_has_fewer():
    """A free connection goes to who waits with far fewer, also against the host's own queue."""
    pool = pool_of(5, 3)
    one = pool.host(ONE.origin)
    for _ in range(3):
        pool.opened(one)
    pool.wait(ONE.origin, exchange_to(ONE))
    assert not pool.gives_way(one)
    pool.wait(TWO.origin, exchange_to(TWO))
    assert pool.gives_way(one)
    assert pool.starved(besides=one) == TWO.origin


def test_a_host_without_connections_or_requests_is_forgotten():
    """The books do not grow with every host ever met."""
    pool = pool_of(2, 2)
    pool.opened(pool.host(ONE.origin))
    exchange = exchange_to(TWO)
    pool.wait(TWO.origin, exchange)
    pool.forget_waiting(exchange)
    pool.freed(ONE.origin)
    assert pool.hosts == {}
    assert pool.count == 0
