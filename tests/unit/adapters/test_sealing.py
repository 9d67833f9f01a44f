"""Sealed secrets and headers open for their own endpoint, with a known key, and not otherwise."""

import pytest

from hooklane.adapters.sealing import Sealer
from hooklane.domain.errors import BrokenContract
from hooklane.domain.signature import new_secret, secret_key

OLD, NEW = b"o" * 32, b"n" * 32
SEALER = Sealer({"new": NEW, "old": OLD})


def test_what_was_sealed_opens_for_its_endpoint():
    """unseal(seal(x)) is x."""
    key_id, sealed = SEALER.seal(b"plain", endpoint_id="ep_a")
    assert key_id == "new"
    assert b"plain" not in sealed
    assert SEALER.unseal(key_id, sealed, endpoint_id="ep_a") == b"plain"


def test_sealing_the_same_twice_gives_different_bytes():
    """A nonce is never used twice."""
    once, again = (SEALER.seal(b"plain", endpoint_id="ep_a").sealed for _ in range(2))
    assert once != again


def test_an_older_key_still_opens():
    """Rotation: the first key seals, all of them unseal."""
    sealed = Sealer({"old": OLD}).seal_secret(new_secret(), endpoint_id="ep_a")
    assert sealed.key_id == "old"
    assert SEALER.secret(sealed, endpoint_id="ep_a").startswith("whsec_")


def test_another_endpoint_cannot_open_it():
    """The endpoint's id is authenticated with the bytes."""
    key_id, sealed = SEALER.seal(b"plain", endpoint_id="ep_a")
    with pytest.raises(BrokenContract):
        SEALER.unseal(key_id, sealed, endpoint_id="ep_b")


@pytest.mark.parametrize("where", [0, 11, 12, -1])
def test_a_flipped_bit_does_not_open(where):
    """Changed bytes are a broken contract, never another plain text."""
    key_id, sealed = SEALER.seal(b"plain", endpoint_id="ep_a")
    changed = bytearray(sealed)
    changed[where] ^= 1
    with pytest.raises(BrokenContract):
        SEALER.unseal(key_id, bytes(changed), endpoint_id="ep_a")


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12), bytes(40)])
def test_any_bytes_open_or_raise_broken_contract(sealed):
    """Nothing else is raised, whatever the bytes."""
    with pytest.raises(BrokenContract):
        SEALER.unseal("new", sealed, endpoint_id="ep_a")


def test_an_unknown_key_is_named():
    """Who reads the log learns which key is missing, and never the secret."""
    with pytest.raises(BrokenContract, match="'lost'"):
        SEALER.unseal("lost", bytes(40), endpoint_id="ep_a")


def test_a_sealed_secret_gives_its_hmac_key():
    """The signing key is that of the written secret."""
    secret = new_secret()
    sealed = SEALER.seal_secret(secret, endpoint_id="ep_a")
    assert SEALER.signing_key(sealed, endpoint_id="ep_a") == secret_key(secret)


@pytest.mark.parametrize("written", ["plain", "whsec_c2hvcnQ="])
def test_what_is_no_secret_gives_no_key(written):
    """A sealed text that is no secret is a broken contract."""
    sealed = SEALER.seal_secret(written, endpoint_id="ep_a")
    with pytest.raises(BrokenContract):
        SEALER.signing_key(sealed, endpoint_id="ep_a")


def test_a_secret_that_is_no_text_is_refused():
    """Bytes that are no UTF-8 are a broken contract."""
    key_id, sealed = SEALER.seal(b"\xff\xfe", endpoint_id="ep_a")
    from hooklane.domain.endpoint import SealedSecret

    with pytest.raises(BrokenContract):
        SEALER.secret(SealedSecret(key_id=key_id, sealed=sealed), endpoint_id="ep_a")


def test_headers_come_back_as_they_were():
    """Custom headers travel as one sealed JSON object; none are empty."""
    sealed = SEALER.seal_headers({"X-Token": "t", "X-Ü": "ü"}, endpoint_id="ep_a")
    assert SEALER.headers(sealed, endpoint_id="ep_a") == {"X-Token": "t", "X-Ü": "ü"}
    assert SEALER.headers(None, endpoint_id="ep_a") == {}


@pytest.mark.parametrize("plain", [b"[", b"[]", b'{"a":1}'])
def test_headers_that_are_no_object_of_texts_are_refused(plain):
    """A sealed JSON of another shape is a broken contract."""
    from hooklane.domain.endpoint import SealedHeaders

    key_id, sealed = SEALER.seal(plain, endpoint_id="ep_a")
    with pytest.raises(BrokenContract):
        SEALER.headers(SealedHeaders(key_id=key_id, sealed=sealed), endpoint_id="ep_a")
