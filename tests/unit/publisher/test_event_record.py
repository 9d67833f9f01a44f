"""From values to a record: framed, with the headers that were asked for."""

import pytest

from hooklane.domain.errors import Invalid
from hooklane.publisher.catalogue import Catalogue
from hooklane.publisher.event_record import event_record
from support.matcher_bench import MatcherBench


@pytest.fixture
def ready():
    bench = MatcherBench()
    return Catalogue(bench.registry, bench.admin, clock=bench.clock).find("order.created", None)


def built(ready, **about):
    return event_record(ready, "order.created", values={"n": 1}, about=about, source="shop")


def test_a_record_says_what_was_said_of_it(ready):
    """And no more."""
    record = built(ready, id="1", subject="o-1", key="k")
    assert record.value == b"\x00" + ready.schema_id.to_bytes(4, "big") + b"\x02"
    assert (record.topic, record.key) == ("events.order", b"k")
    assert dict(record.headers) == {
        "ce_specversion": b"1.0", "content-type": b"application/avro", "ce_id": b"1",
        "ce_source": b"shop", "ce_type": b"order.created", "ce_subject": b"o-1",
    }  # fmt: skip
    assert (record.published.event_id, record.published.source) == (None, "shop")


def test_an_id_is_drawn_where_none_is_given(ready):
    """Another one each time."""
    assert built(ready).published.id_in_source != built(ready).published.id_in_source


@pytest.mark.parametrize("name", ["tenant", "id", "source", "subject"])
@pytest.mark.parametrize("text", ["", "x" * 1_025, 3, "\ud800"])
def test_what_no_header_takes_is_refused_by_name(ready, name, text):
    """Empty, too long, no text, no UTF-8."""
    with pytest.raises(Invalid) as raised:
        built(ready, **{name: text})
    assert raised.value.fields == {"field": name}
