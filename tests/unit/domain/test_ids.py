"""Ids are hashes where a re-run must give the same."""

import pytest

from hooklane.domain import ids


def test_the_same_event_has_the_same_id():
    """By its producer's metadata or by its position, and the two never meet."""
    named = [
        ids.event_id_by_metadata(tenant="t", event_type="a.b", source="s", id_in_source="1")
        for _ in range(2)
    ]
    placed = [
        ids.event_id_by_position(cluster="c", topic_id="t", partition=0, offset=1) for _ in range(2)
    ]

    assert len({*named, *placed}) == 2
    assert all(ids.is_id(made, "evt") for made in (*named, *placed))


def test_moving_a_separator_makes_another_event():
    """No two part lists collide."""
    one = ids.event_id_by_metadata(tenant="ab", event_type="c", source="d", id_in_source="e")
    other = ids.event_id_by_metadata(tenant="a", event_type="bc", source="d", id_in_source="e")

    assert one != other


def test_a_delivery_is_its_event_endpoint_trigger_and_command():
    """Each of them makes another delivery."""
    base = {"event_id": "evt_a", "endpoint_id": "ep_a", "trigger": "event", "command_id": ""}
    made = {ids.delivery_id(**base)}
    for name in base:
        made.add(ids.delivery_id(**{**base, name: "other"}))

    assert len(made) == 5
    assert ids.delivery_id(**base) in made
    assert all(ids.is_id(delivery, "dlv") for delivery in made)


def test_a_batch_is_its_deliveries_in_any_order():
    """Tried again together they have one id; with another among them another."""
    made = ids.batch_id(["dlv_a", "dlv_b"])

    assert made == ids.batch_id(["dlv_b", "dlv_a"])
    assert made.startswith("bat_")
    assert len({made, ids.batch_id(["dlv_a"]), ids.batch_id(["dlv_a", "dlv_c"])}) == 3


@pytest.mark.parametrize(
    ("draw", "prefix"),
    [
        (ids.new_endpoint_id, "ep"),
        (ids.new_attempt_id, "att"),
        (ids.new_command_id, "cmd"),
        (ids.new_key_id, "key"),
    ],
)
def test_drawn_ids_differ_and_have_their_prefix(draw, prefix):
    """Chance makes these."""
    first, second = draw(), draw()

    assert first != second
    assert ids.is_id(first, prefix)


@pytest.mark.parametrize(
    "text", ["", "ep_", "ep_UPPER", "evt_" + "a" * 26, "ep_" + "a" * 27, "ep_" + "a" * 26 + "\n"]
)
def test_other_texts_are_no_endpoint_id(text):
    """Prefix, length and alphabet are looked at."""
    assert not ids.is_id(text, "ep")


def test_attempt_ids_are_drawn_many_at_once_and_given_once():
    """Over several draws no two are alike, and each has an id's shape."""
    found = [ids.new_attempt_id() for _ in range(1_000)]
    assert len(set(found)) == 1_000
    assert all(ids.is_id(one, "att") for one in found)
