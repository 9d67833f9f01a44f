"""Internal records as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooklane.adapters.codec import (
    HEADER_BYTES,
    MARKER,
    NAMES,
    DeliveryDecoder,
    DeliveryEncoder,
    RecordCodec,
    codec,
    delivery_endpoint,
    schemas_dir,
    versions,
)
from hooklane.adapters.records import endpoint_value
from hooklane.domain.errors import BrokenContract
from support.deliveries import an_endpoint, delivery_value


def test_every_internal_schema_has_a_codec_and_each_codec_a_schema():
    """The folder and the list say the same."""
    folders = {path.name for path in (schemas_dir() / "internal").iterdir() if path.is_dir()}
    assert set(NAMES) == folders


@pytest.mark.parametrize("name", NAMES)
def test_a_record_begins_with_marker_and_fingerprint(name):
    """Avro single-object encoding: two bytes, then eight of the schema's own."""
    header = codec(name).header
    assert (header[:2], len(header)) == (MARKER, HEADER_BYTES)
    assert {codec(other).header for other in NAMES if other != name}.isdisjoint({header})


@pytest.mark.parametrize(
    ("name", "value"),
    [("delivery", delivery_value()), ("endpoint", endpoint_value(an_endpoint()))],
)
def test_what_was_encoded_is_decoded_as_it_was(name, value):
    """Times stay the ints that travel."""
    assert codec(name).decode(codec(name).encode(value)) == value


@given(data=st.one_of(st.none(), st.binary(max_size=200)))
@pytest.mark.parametrize("name", NAMES)
def test_any_bytes_decode_or_break_the_contract(name, data):
    """Nothing else ever comes out, whatever a topic holds."""
    with pytest.raises(BrokenContract):
        codec(name).decode(data)


@given(body=st.binary(max_size=300))
@pytest.mark.parametrize("name", NAMES)
def test_any_body_behind_a_true_header_decodes_or_breaks_the_contract(name, body):
    """A fingerprint is no proof of what follows."""
    try:
        value = codec(name).decode(codec(name).header + body)
    except BrokenContract:
        return
    assert set(value) == set(codec(name).fields)


def test_a_record_cut_short_breaks_the_contract():
    """Every prefix of a delivery is told from a delivery."""
    whole = codec("delivery").encode(delivery_value())
    for length in range(len(whole)):
        with pytest.raises(BrokenContract):
            codec("delivery").decode(whole[:length])


def test_versions_are_read_in_their_order():
    """v10 comes after v9, and the newest is what is written."""
    for name in NAMES:
        found = list(versions(schemas_dir() / "internal" / name))
        assert found == list(range(1, len(found) + 1))


@given(
    own=st.tuples(st.text(max_size=90), st.text(max_size=90), st.text(max_size=200)),
    payload=st.binary(max_size=100),
)
def test_a_delivery_joined_of_its_parts_is_the_one_encoded_whole(own, payload):
    """Encoding the shared tail once changes no byte."""
    delivery_id, endpoint_id, command_id = own
    value = {
        **delivery_value(payload=payload),
        "delivery_id": delivery_id,
        "endpoint_id": endpoint_id,
        "command_id": command_id,
    }
    encoder = DeliveryEncoder()
    joined = encoder.delivery(
        encoder.tail(value),
        delivery_id=delivery_id,
        endpoint_id=endpoint_id,
        command_id=command_id,
    )
    assert joined == codec("delivery").encode(value)


IDS = st.sampled_from(["dlv_" + letter * 26 for letter in "abc"])
ENDPOINT_IDS = st.sampled_from(["ep_" + letter * 26 for letter in "abc"] + ["ep_short", ""])


@given(
    st.lists(
        st.tuples(IDS, ENDPOINT_IDS, st.sampled_from(["", "cmd_x"]), st.binary(max_size=2)),
        max_size=8,
    )
)
def test_a_delivery_whose_tail_is_known_is_the_one_decoded_whole(made):
    """Whatever came before: own fields are its own, the tail is the same."""
    decoder = DeliveryDecoder()
    for delivery_id, endpoint_id, command_id, payload in made:
        own = {"delivery_id": delivery_id, "endpoint_id": endpoint_id, "command_id": command_id}
        value = {**delivery_value(payload=payload), **own}
        assert decoder.decode(codec("delivery").encode(value)) == value


@given(st.integers(0, 120), st.integers(0, 255))
def test_a_changed_byte_is_read_as_the_whole_decoder_reads_it(at, byte):
    """Keeping tails makes no bytes readable and none unreadable."""
    ids = {"delivery_id": "dlv_" + "a" * 26, "endpoint_id": "ep_" + "b" * 26}
    raw = bytearray(codec("delivery").encode({**delivery_value(), **ids}))
    decoder = DeliveryDecoder()
    decoder.decode(bytes(raw))
    raw[at] = byte
    assert read_or_refuse(decoder, bytes(raw)) == read_or_refuse(codec("delivery"), bytes(raw))


def read_or_refuse(reader, raw):
    try:
        return reader.decode(raw)
    except BrokenContract:
        return None


def test_a_codec_is_built_once():
    """Parsing schemas costs milliseconds."""
    assert codec("match") is codec("match")
    assert isinstance(codec("match"), RecordCodec)


@pytest.mark.parametrize("endpoint_id", ["ep_a", "ep_abcdefghijklmnopqrstuvwxyz"])
def test_a_delivery_s_endpoint_is_read_without_the_rest(endpoint_id):
    """The same as in the whole; what is no delivery has none."""
    usual = {"delivery_id": "dlv_abcdefghijklmnopqrstuvwxyz", "endpoint_id": endpoint_id}
    raw = codec("delivery").encode({**delivery_value(), **usual})
    assert endpoint_id == delivery_endpoint(raw) == codec("delivery").decode(raw)["endpoint_id"]
    assert delivery_endpoint(raw[:12]) == delivery_endpoint(b"") == ""
