"""API keys: how one is made, and whom it makes its bearer, without asking SQL for each request.

What is kept of a key is its SHA-256; the key has 256 bits of chance, so nothing slower is needed,
and that a look-up by digest takes longer for one than for another tells nothing of any key.
Promises: a revoked key opens nothing once it is `believed` for so long since it was last asked for;
the deployment's own key needs no database; keys never seen before are asked for at a limited rate.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from datetime import timedelta
from typing import NamedTuple

from hooklane.adapters.ports import Clock
from hooklane.adapters.problems import TooMany, Unauthenticated
from hooklane.adapters.store import KeptKey, KeyStore
from hooklane.control.access import Caller
from hooklane.control.rate_limit import Buckets
from hooklane.domain.errors import Unavailable

PREFIX = "hlk_"
KEY_CHARACTERS = len(PREFIX) + 43
KEYS_HELD_MAX = 10_000
# `last_used_at` is for people who look for keys to revoke.
USE_NOTED_EVERY = timedelta(minutes=5)
STRANGERS_PER_S = 10
STRANGERS_BURST = 100
WANTED = "send an API key as Authorization: Bearer …"


def new_key() -> str:
    """Draw a key."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> str:
    """Give what is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


class _Held(NamedTuple):
    key: KeptKey | None
    until: float


class KeyRing:
    """Tells whose a key is; may be used by several threads.

    Args:
        store: has the keys.
        clock: times how long an answer is believed.
        deployment_key: the configured one, which opens everything.
        believed: how long an answer of the store is.
    """

    def __init__(
        self, store: KeyStore, clock: Clock, *, deployment_key: str, believed: timedelta
    ) -> None:
        """Begin with nothing known."""
        self._store, self._clock = store, clock
        self._deployment, self._believed = digest_of(deployment_key), believed.total_seconds()
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._turn = threading.Lock()
        self._strangers = Buckets(clock, rate_per_s=STRANGERS_PER_S, burst=STRANGERS_BURST)

    def caller(self, key: str, *, address: str) -> Caller:
        """Give whom a key makes its bearer.

        Args:
            key: as it was sent.
            address: where from; keys never seen before are asked for at a rate limited by it.

        Raises:
            Unauthenticated: it is none, or it was revoked.
            TooMany: too many unknown keys came from this address.
            Unavailable: the database is away, and the key was not asked for lately.
        """
        digest = digest_of(key)
        if hmac.compare_digest(digest, self._deployment):
            return Caller(name="deployment")
        if not key.startswith(PREFIX) or len(key) != KEY_CHARACTERS:
            raise Unauthenticated(WANTED)
        found = self._find(digest, address)
        if found is None or found.revoked_at is not None:
            raise Unauthenticated(f"{WANTED}; this one is unknown or revoked")
        return Caller(
            name=found.name, tenant=found.tenant, may_write=found.may_write, key_id=found.key_id
        )

    def forget(self, key_id: str) -> None:
        """Believe a key no longer: it was revoked."""
        with self._turn:
            for digest, held in list(self._held.items()):
                if held.key is not None and held.key.key_id == key_id:
                    del self._held[digest]

    def _find(self, digest: str, address: str) -> KeptKey | None:
        now = self._clock.monotonic()
        with self._turn:
            held = self._held.get(digest)
            if held is not None:
                self._held.move_to_end(digest)
                if now < held.until:
                    return held.key
        if held is None or held.key is None:
            allowance = self._strangers.take(address)
            if allowance is not None and not allowance.allowed:
                raise TooMany("too many unknown keys came from this address")
        found = self._store.key_of(digest)
        with self._turn:
            self._held[digest] = _Held(found, now + self._believed)
            self._held.move_to_end(digest)
            if len(self._held) > KEYS_HELD_MAX:
                self._held.popitem(last=False)
        if found is not None and found.revoked_at is None:
            self._note_use(found)
        return found

    def _note_use(self, key: KeptKey) -> None:
        now = self._clock.now()
        if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
            return
        try:
            self._store.note_use(key.key_id, at=now)
        except Unavailable:
            return  # it is noted when the key is next asked for
