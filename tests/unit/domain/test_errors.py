"""Errors say whose fault they are, in one line."""

import pytest

from hooklane.domain import errors


def test_the_docstring_is_the_text():
    """Alone where there is nothing to add."""
    assert str(errors.NotFound()) == "There is no such thing"


def test_the_detail_follows_it():
    """And fields stay fields."""
    error = errors.BrokenContract("no key", reason="record")

    assert str(error) == "The record does not keep its contract: no key"
    assert error.detail == "no key"
    assert error.fields == {"reason": "record"}


def test_the_base_is_never_raised():
    """Every error says whose fault it is."""
    with pytest.raises(AssertionError):
        errors.HooklaneError("something")


def test_refusals_are_the_callers_and_aborts_are_waited_for():
    """What a caller catches covers its kinds."""
    refused = (errors.NotFound, errors.Conflict, errors.Invalid)

    assert all(issubclass(kind, errors.Refused) for kind in refused)
    assert issubclass(errors.TransactionAborted, errors.Unavailable)
