"""Errors by whose fault they are, so that every caller knows what to do with one.

* HooklaneError
  - Misconfigured    ours to refuse: the process does not start
  - BrokenContract   a record or schema is wrong: set aside in rejected-events, never retried
  - Refused          the caller's fault: becomes a 4xx or exit code 2, nothing was changed
      NotFound, Conflict, Invalid
  - Unavailable      something we depend on is down: commit nothing, back off, try again
      TransactionAborted
  - Fenced           another holds our transactional id, or a client is lost: stop at once

The class docstring is the text's beginning; what an instance was told follows it. An endpoint's
failure is an Outcome, never an exception; a broken invariant is an assert.
"""


class HooklaneError(Exception):
    """Hooklane failed."""

    def __init__(self, detail: str = "", **fields: object) -> None:
        assert type(self) is not HooklaneError, "the base is never raised"
        self.detail = detail
        self.fields = fields
        super().__init__(detail)

    def __str__(self) -> str:
        """Give the class's sentence and the detail, in one line."""
        text = (type(self).__doc__ or "").partition("\n")[0].rstrip(".")
        return f"{text}: {self.detail}" if self.detail else text


class Misconfigured(HooklaneError):
    """The configuration is wrong."""


class BrokenContract(HooklaneError):
    """The record does not keep its contract."""


class Refused(HooklaneError):
    """The request was refused."""


class NotFound(Refused):
    """There is no such thing."""


class Conflict(Refused):
    """The request conflicts with the present state."""


class Invalid(Refused):
    """The request is not valid."""


class Unavailable(HooklaneError):
    """Something Hooklane depends on is unavailable."""


class TransactionAborted(Unavailable):
    """The transaction was aborted; nothing of it is visible."""


class Fenced(HooklaneError):
    """This process can't go on; a new one can."""
