from datetime import UTC, datetime, timedelta
from string import ascii_letters, digits

import pytest

from hooklane.adapters.problems import Unauthenticated
from hooklane.adapters.sealing import Sealer
from hooklane.control.portal_tokens import PREFIX, Grant, PortalTokens

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRANT = Grant(tenant="acme", endpoint_id="ep_a", may_write=True, expires_at=AT + HOUR)


def tokens(**keys):
    sealer = Sealer(keys or {"k1": b"k" * 32})
    return PortalTokens(
        seal=lambda plain, of: sealer.seal(plain, endpoint_id=of),
        unseal=lambda key_id, sealed, of: sealer.unseal(key_id, sealed, endpoint_id=of),
    )


def test_a_token_makes_its_bearer_what_was_granted():
    """Tenant, endpoint, rights and end; and it is never the deployment's."""
    caller = tokens().read(tokens().write(GRANT), now=AT)
    found = (caller.tenant, caller.endpoint_id, caller.may_write, caller.expires_at)
    assert found == ("acme", "ep_a", True, AT + HOUR)
    assert not caller.is_admin


def test_a_token_ends_on_the_dot():
    """At its end it opens nothing."""
    token = tokens().write(GRANT)
    tokens().read(token, now=AT + HOUR - timedelta(milliseconds=1))
    with pytest.raises(Unauthenticated, match="expired"):
        tokens().read(token, now=AT + HOUR)


def test_any_change_of_a_token_makes_it_nobody_s():
    """Each character counts, whichever is changed and to whatever: its last bits too."""
    token = tokens().write(GRANT)
    for place in range(len(PREFIX), len(token)):
        for other in {*ascii_letters, *digits, *"-_+/=. \n"} - {token[place]}:
            with pytest.raises(Unauthenticated):
                tokens().read(token[:place] + other + token[place + 1 :], now=AT)


@pytest.mark.parametrize("more", ["=", "\n", " ", ".", "A"])
def test_what_is_put_behind_a_token_makes_it_nobody_s(more):
    """A token is what was written, not what reads like it."""
    with pytest.raises(Unauthenticated):
        tokens().read(tokens().write(GRANT) + more, now=AT)


@pytest.mark.parametrize("text", ["", ".", "azE", "azE.", "azE.AAAA", "é.é", "x" * 3_000, "a.b.c"])
def test_what_is_no_token_is_refused(text):
    """Whatever is sent, it is a 401 and nothing else."""
    with pytest.raises(Unauthenticated):
        tokens().read(PREFIX + text, now=AT)


def test_what_was_sealed_for_an_endpoint_is_no_token():
    """The purpose is sealed with it."""
    sealer = Sealer({"k1": b"k" * 32})
    own = PortalTokens(
        seal=lambda plain, _: sealer.seal(plain, endpoint_id="ep_a"),
        unseal=lambda key_id, sealed, of: sealer.unseal(key_id, sealed, endpoint_id=of),
    )
    with pytest.raises(Unauthenticated):
        own.read(own.write(GRANT), now=AT)


def test_a_token_outlives_a_change_of_the_sealing_key():
    """As long as the deployment still has the key that sealed it."""
    token = tokens(k1=b"k" * 32).write(GRANT)
    assert tokens(k2=b"n" * 32, k1=b"k" * 32).read(token, now=AT).tenant == "acme"
    with pytest.raises(Unauthenticated):
        tokens(k2=b"n" * 32).read(token, now=AT)
