"""Refusals as problem details, under the names that control's modules use."""

from hooklane.adapters.problems import (
    RevisionRequired,
    RevisionStale,
    Unauthenticated,
    field_problem,
    problem,
    problem_of,
    status_of,
)

__all__ = [
    "RevisionRequired",
    "RevisionStale",
    "Unauthenticated",
    "field_problem",
    "problem",
    "problem_of",
    "status_of",
]
