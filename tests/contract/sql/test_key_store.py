"""API keys and notes in both databases."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contract.sql.test_control_store import TOPICS, endpoint, raised
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.store import EndpointFilter, EndpointNote, KeptKey, PageRequest
from hooklane.domain.endpoint import EndpointState, SealedHeaders
from hooklane.domain.errors import Conflict, Invalid, NotFound

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
DRAFT = SealedHeaders(key_id="k1", sealed=b"\x00\xff")
NOTE = EndpointNote(uid="mine", description="ä", metadata={"team": "a", "n": "\0"}, draft=DRAFT)


@pytest.fixture
def store(engine):
    found = SqlControlStore(engine, TOPICS)
    found.add_tenant("acme", at=AT)
    return found


def key(number=1, **fields):
    ready = KeptKey(
        key_id=f"key_{number}",
        name="acme's",
        tenant="acme",
        may_write=False,
        created_at=AT + timedelta(seconds=number),
    )
    return replace(ready, **fields)


def test_a_key_comes_back_by_its_digest(store):
    """As it was written; of another digest there is none."""
    whole = key(2, tenant=None, may_write=True)
    for number, one in enumerate((key(1), whole)):
        store.add_key(one, digest=f"d{number}", keys_max=9)
    assert [store.key_of("d0"), store.key_of("d1"), store.key_of("d2")] == [key(1), whole, None]


def test_keys_are_listed_newest_first_by_page_and_tenant(store):
    """Pages join without gap or repetition."""
    for number in range(1, 6):
        one = key(number, tenant="acme" if number % 2 else None)
        store.add_key(one, digest=f"d{number}", keys_max=9)
    first = store.keys(PageRequest(limit=3))
    after = (int(first[-1].created_at.timestamp() * 1000), first[-1].key_id)
    rest = store.keys(PageRequest(limit=3, after=after))
    assert [int(one.key_id[4:]) for one in (*first, *rest)] == [5, 4, 3, 2, 1]
    mine = store.keys(PageRequest(limit=9), tenant="acme")
    assert [one.key_id for one in mine] == ["key_5", "key_3", "key_1"]


def test_a_key_is_revoked_once(store):
    """Its time stays; it no longer counts, and one that is not there is not found."""
    store.add_key(key(1), digest="d1", keys_max=1)
    with pytest.raises(Conflict, match="keys_max"):
        store.add_key(key(2), digest="d2", keys_max=1)
    store.note_use("key_1", at=AT)
    store.revoke_key("key_1", at=AT)
    again = store.revoke_key("key_1", at=AT + timedelta(days=1))
    assert (again.revoked_at, again.last_used_at) == (AT, AT)
    store.add_key(key(2), digest="d2", keys_max=1)
    with pytest.raises(NotFound):
        store.revoke_key("key_9", at=AT)


def test_a_key_of_a_tenant_that_is_not_there_is_refused(store):
    """By the field's name."""
    with pytest.raises(Invalid, match="tenant: "):
        store.add_key(key(tenant="nobody"), digest="d", keys_max=9)


def test_a_note_comes_back_as_it_was_written(store):
    """Every field; and with a change that has another."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9, note=NOTE)
    assert store.endpoint("ep_1").note == NOTE
    other = replace(NOTE, description="", metadata={})
    changed = store.change_endpoint(
        "ep_1", lambda kept: replace(kept, endpoint=raised(kept), note=other), at=AT
    )
    assert (changed.note, changed.endpoint.revision) == (other, 2)
    assert store.endpoint("ep_1") == changed
    store.change_endpoint("ep_1", raised, at=AT)
    assert store.endpoint("ep_1").note == other


def test_a_uid_is_one_endpoint_s_of_a_tenant_that_is_not_deleted(store):
    """Whoever comes second gets the first; a deleted one's uid is free, another tenant's too."""
    store.add_tenant("beta", at=AT)
    store.add_endpoint(endpoint(1), at=AT, lanes_max=9, note=NOTE)
    again = store.add_endpoint(endpoint(2), at=AT, lanes_max=1, note=NOTE)
    assert again.endpoint.endpoint_id == "ep_1"
    theirs = store.add_endpoint(endpoint(3, tenant="beta"), at=AT, lanes_max=9, note=NOTE)
    assert theirs.endpoint.endpoint_id == "ep_3"
    store.change_endpoint(
        "ep_1", lambda kept: replace(raised(kept), state=EndpointState.DELETED), at=AT
    )
    store.add_endpoint(endpoint(4), at=AT, lanes_max=9, note=NOTE)
    found = store.endpoints(EndpointFilter(tenant="acme", uid="mine"), PageRequest(limit=9))
    assert [kept.endpoint.endpoint_id for kept in found] == ["ep_4"]
    assert len(store.unpublished(9)) == 4


def test_who_creates_under_one_uid_at_once_makes_one(store):
    """Eight at once get the same endpoint, and the same tenant."""
    made, tenants = [], []

    def create(number):
        tenants.append(store.add_tenant(f"t{number}", at=AT, uid="t").name)
        kept = store.add_endpoint(endpoint(number), at=AT, lanes_max=9, note=NOTE)
        made.append(kept.endpoint.endpoint_id)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(set(made)), len(set(tenants))) == (8, 1, 1)
    assert len(store.unpublished(9)) == 1
