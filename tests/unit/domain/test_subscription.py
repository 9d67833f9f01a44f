"""What an endpoint wants is told by patterns."""

import pytest

from hooklane.domain.errors import Invalid
from hooklane.domain.subscription import fits, is_event_type, subscription


@pytest.mark.parametrize(
    ("pattern", "event_type", "fitting"),
    [
        ("*", "order.created", True),
        ("order.*", "order.created", True),
        ("order.*", "order.line.added", True),
        ("order.*", "orders.created", False),
        ("order.*", "order", False),
        ("order.created", "order.created", True),
        ("order.created", "order.created.twice", False),
    ],
)
def test_a_pattern_is_a_type_a_prefix_or_all(pattern, event_type, fitting):
    """A prefix ends at a dot."""
    assert fits(pattern, event_type) is fitting


def test_one_fitting_pattern_is_enough():
    """A subscription is their union."""
    wanted = subscription(["user.*", "order.created"])

    assert wanted.wants("order.created")
    assert not wanted.wants("order.shipped")


def test_a_pattern_given_twice_is_kept_once():
    """In the order given."""
    assert subscription(["a.b", "*", "a.b"]).patterns == ("a.b", "*")


@pytest.mark.parametrize(
    "patterns",
    [
        [],
        ["*"] * 101,
        ["order"],
        ["order.**"],
        ["*.created"],
        ["order."],
        [""],
        ["order created"],
        ["a." + "b" * 254],
        ["a" * 254 + ".*"],
        ["order.*\n"],
    ],
)
def test_an_ill_formed_subscription_is_refused(patterns):
    """None, too many, too long, or no pattern at all."""
    with pytest.raises(Invalid):
        subscription(patterns)


def test_an_event_type_is_a_namespace_and_a_name():
    """As an Avro full name."""
    assert is_event_type("order.created")
    assert not is_event_type("order")
    assert not is_event_type("a." + "b" * 254)
