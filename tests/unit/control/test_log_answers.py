from hooklane.control.log_answers import event_detail, payload_answer, sent_headers
from support import logbook


def opened(row):
    return row | {"matched": row.pop("of"), "refused": []}


def receipt(of, **fields):
    return opened({**logbook.receipt("evt_1", of, **fields), "of": list(of)})


def test_an_events_parts_are_one_receipt_and_replays_are_left_out():
    """Who got it when it was published, whoever got it later."""
    found = event_detail(
        [receipt(["ep_1"]), receipt(["ep_2"], part=1), receipt(["ep_3"], trigger="replay")], {}
    )
    assert (found["matched"], found["matched_count"]) == (["ep_1", "ep_2"], 2)


def test_an_event_known_by_a_replay_alone_is_shown_by_it():
    """Its own receipt is past retention."""
    found = event_detail([receipt(["ep_3"], trigger="replay", payload=None)], {"in_lane": 1})
    assert (found["matched"], found["payload"], found["deliveries"]) == (
        ["ep_3"], None, {"in_lane": 1},
    )  # fmt: skip


def test_a_key_is_shown_as_far_as_it_is_text():
    """None where there is none."""
    assert event_detail([receipt([], record_key=None)], {})["key"] is None
    assert (
        event_detail([receipt([], record_key=b"\xffa")], {})["key"] == "\N{REPLACEMENT CHARACTER}a"
    )


def test_what_was_sent_is_shown_without_its_signature():
    """Whole seconds, as the header has them; nothing where nothing was sent."""
    sent = sent_headers(logbook.attempt("evt_1", at=1_999))
    assert sent == {"webhook-id": "evt_1", "webhook-timestamp": "1", "X-Webhook-Version": "2"}
    assert sent_headers(logbook.attempt("evt_1", at=1, number=0)) == {}


def test_a_payload_is_text_or_base64():
    """Nothing is lost in showing it."""
    assert payload_answer(b"{}") == {"payload": "{}"}
    assert payload_answer(b"\xff") == {"payload": None, "payload_base64": "/w=="}
    assert payload_answer(None) == {"payload": None}
