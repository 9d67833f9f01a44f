"""A receiver's word on the items of a batch: read where it has the form, else nothing."""

import json

import pytest

from hooklane.domain.batch_results import SAID_BYTES_MAX, item_results, may_be_cut_short


def body(*entries):
    return json.dumps({"results": list(entries)}).encode()


def statuses(raw):
    return {event_id: result.status for event_id, result in item_results(raw).items()}


def test_each_item_has_its_own_status():
    """By the id that stands in its payload."""
    raw = body({"id": "evt_a", "status": 200}, {"id": "evt_b", "status": 503, "why": "full"})
    assert statuses(raw) == {"evt_a": 200, "evt_b": 503}
    found = item_results(raw)
    assert [found[name].succeeded for name in ("evt_a", "evt_b")] == [True, False]
    assert found["evt_b"].said == b'{"id":"evt_b","status":503,"why":"full"}'


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"ok", b"\xff\xfe", b"[]", b"null", b"7", b'{"results": 7}', b'{"results": {}}', b"{}",
        b'{"results": [{"id": "evt_a", "status": 200}', b"[" * 60_000,
        b'{"results": [{"id": "evt_a", "status": ' + b"9" * 10_000 + b"}]}",
    ],
)  # fmt: skip
def test_a_body_of_another_form_says_nothing(raw):
    """Also one cut off in its middle: no byte of it is believed."""
    assert statuses(raw) == {}


@pytest.mark.parametrize(
    "entry",
    [
        None, 7, [], {}, {"id": "evt_a"}, {"status": 200}, {"id": 7, "status": 200},
        {"id": "evt_a", "status": "200"}, {"id": "evt_a", "status": True},
        {"id": "evt_a", "status": 200.0}, {"id": "evt_a", "status": 199},
        {"id": "evt_a", "status": 600},
    ],
)  # fmt: skip
def test_an_entry_of_another_form_says_nothing_and_the_others_do(entry):
    """Its item counts by the whole answer."""
    assert statuses(body(entry, {"id": "evt_b", "status": 500})) == {"evt_b": 500}


@pytest.mark.parametrize("said", [(200, 500), (500, 200)])
def test_of_two_results_for_one_item_the_failed_one_counts(said):
    """An event may be in a batch twice; sent again is better than lost."""
    raw = body(*({"id": "evt_a", "status": status} for status in said))
    assert statuses(raw) == {"evt_a": 500}


def test_what_is_kept_of_an_entry_is_bounded():
    """An attempt's row must not grow with what a receiver likes to tell."""
    raw = body({"id": "evt_a", "status": 500, "trace": "x" * 50_000})
    assert len(item_results(raw)["evt_a"].said) == SAID_BYTES_MAX


@pytest.mark.parametrize("raw", [b"", b" ", b'{"results": [', b"\n{", b"\xef\xbb\xbf{"])
def test_the_beginning_of_results_may_be_cut_short(raw):
    """Nobody can say what came behind it."""
    assert may_be_cut_short(raw)


@pytest.mark.parametrize("raw", [b"ok", b"<html>", b"[{", b"{}", body(), body() + b"\n"])
def test_what_is_no_beginning_of_results_or_all_of_them_is_not(raw):
    """A JSON object that can be read is whole, whatever became of the connection."""
    assert not may_be_cut_short(raw)
