from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.adapters.memory import ManualClock
from hooklane.adapters.problems import TooMany, Unauthenticated
from hooklane.adapters.store import KeptKey
from hooklane.control import keys
from hooklane.control.keys import KEY_CHARACTERS, KeyRing, digest_of, new_key
from hooklane.domain.errors import Unavailable

BELIEVED = timedelta(seconds=10)
DEPLOYMENT = "a key that is long enough"
HERE = "127.0.0.1"


class Store:
    """Keys by digest; counts what it is asked, and may be away."""

    def __init__(self):
        self.found, self.asked, self.used, self.away = {}, 0, [], False

    def key_of(self, digest):
        self.asked += 1
        if self.away:
            raise Unavailable("away")
        return self.found.get(digest)

    def note_use(self, key_id, *, at):
        if self.away:
            raise Unavailable("away")
        self.used.append((key_id, at))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def ring(store, clock):
    return KeyRing(store, clock, deployment_key=DEPLOYMENT, believed=BELIEVED)


@pytest.fixture
def key(store, clock):
    made = new_key()
    store.found[digest_of(made)] = KeptKey(
        key_id="key_1", name="acme's", tenant="acme", may_write=False, created_at=clock.now()
    )
    return made


def revoke(store, key, at):
    digest = digest_of(key)
    store.found[digest] = replace(store.found[digest], revoked_at=at)


def test_a_key_makes_its_bearer_what_is_kept_of_it(ring, key):
    """Name, tenant and rights; its id counts its requests."""
    caller = ring.caller(key, address=HERE)
    found = (caller.name, caller.tenant, caller.may_write, caller.account)
    assert found == ("acme's", "acme", False, "key_1")


def test_keys_are_long_and_each_another():
    """What is kept of one is not the key."""
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert {KEY_CHARACTERS} == {len(key) for key in made}
    assert all(key not in digest_of(key) for key in made)


def test_a_key_in_use_is_asked_for_once_in_a_while(ring, key, store, clock):
    """No query for each request."""
    for _ in range(100):
        ring.caller(key, address=HERE)
    assert store.asked == 1
    clock.advance(BELIEVED)
    ring.caller(key, address=HERE)
    assert store.asked == 2


def test_a_revoked_key_opens_nothing_once_it_is_asked_for_anew(ring, key, store, clock):
    """At once where it was revoked, elsewhere when it is believed no longer."""
    ring.caller(key, address=HERE)
    revoke(store, key, clock.now())
    clock.advance(BELIEVED)
    with pytest.raises(Unauthenticated):
        ring.caller(key, address=HERE)


def test_who_revokes_a_key_believes_it_no_longer(ring, key, store, clock):
    """`forget` needs no time."""
    ring.caller(key, address=HERE)
    revoke(store, key, clock.now())
    ring.forget("key_1")
    with pytest.raises(Unauthenticated):
        ring.caller(key, address=HERE)


def test_known_keys_open_while_the_database_is_away(ring, key, store, clock):
    """For as long as they are believed; the deployment's own key always."""
    ring.caller(key, address=HERE)
    store.away = True
    clock.advance(BELIEVED / 2)
    ring.caller(key, address=HERE)
    clock.advance(BELIEVED)
    with pytest.raises(Unavailable):
        ring.caller(key, address=HERE)
    assert ring.caller(DEPLOYMENT, address=HERE).is_admin


@pytest.mark.parametrize("sent", ["", "wrong", "hlk_", "hlk_short", DEPLOYMENT + "x", "é" * 47])
def test_what_has_not_a_key_s_form_is_refused_unasked(ring, store, sent):
    """It costs no query."""
    with pytest.raises(Unauthenticated):
        ring.caller(sent, address=HERE)
    assert store.asked == 0


def test_unknown_keys_are_asked_for_at_a_rate(ring, key, store, clock, monkeypatch):
    """By address: who guesses is slowed, who is known goes on."""
    ring.caller(key, address=HERE)
    guess = new_key()
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            ring.caller(guess, address=HERE)
    assert store.asked == 2
    for _ in range(keys.STRANGERS_BURST - 2):
        with pytest.raises(Unauthenticated):
            ring.caller(new_key(), address=HERE)
    with pytest.raises(TooMany):
        ring.caller(new_key(), address=HERE)
    with pytest.raises(Unauthenticated):
        ring.caller(new_key(), address="127.0.0.2")
    store.asked = 0
    monkeypatch.setattr(ring, "_strangers", None)  # a known key needs no leave
    clock.advance(BELIEVED)
    assert ring.caller(key, address=HERE).name == "acme's"
    assert store.asked == 1


def test_what_is_held_of_keys_is_bounded(ring, store, monkeypatch):
    """However many are tried."""
    monkeypatch.setattr(keys, "KEYS_HELD_MAX", 3)
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            ring.caller(new_key(), address=HERE)
    assert len(ring._held) == 3


def test_a_use_is_noted_seldom_and_never_in_the_way(ring, key, store, clock):
    """To within minutes; a database that is away keeps nobody out."""
    ring.caller(key, address=HERE)
    assert [("key_1", clock.now())] == store.used
    digest = digest_of(key)
    store.found[digest] = replace(store.found[digest], last_used_at=clock.now())
    clock.advance(BELIEVED)
    ring.caller(key, address=HERE)
    assert len(store.used) == 1
    clock.advance(keys.USE_NOTED_EVERY)
    ring.caller(key, address=HERE)
    assert len(store.used) == 2
