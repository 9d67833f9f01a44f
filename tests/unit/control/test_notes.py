from dataclasses import replace

import pytest

from hooklane.adapters.store import KeptEndpoint
from hooklane.control.drafts import first_revision
from hooklane.control.notes import changed_note, first_note, require_same
from hooklane.control.requests import EndpointChange, EndpointDraft
from hooklane.domain.errors import BrokenContract, Conflict
from support.control import draft

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def rules(bench):
    return bench.desk.rules


@pytest.fixture
def keep(bench, rules):
    def make(**fields):
        asked = EndpointDraft(**draft(uid="mine", **fields))
        endpoint, _ = first_revision(asked, "ep_1", rules=rules)
        now = bench.clock.now()
        note = first_note(asked, "ep_1", rules=rules)
        return KeptEndpoint(endpoint=endpoint, created_at=now, updated_at=now, note=note)

    return make


def test_the_same_create_is_the_same_however_it_is_written(keep, rules):
    """A default that is sent is no difference, nor is an object's order."""
    kept = keep(metadata={"a": "1", "b": "2"})
    again = draft(uid="mine", metadata={"b": "2", "a": "1"}, timeout_ms=15_000, order="none")
    require_same(kept, EndpointDraft(**again), rules=rules)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "https://hooks.example.com/other"),
        ("subscription", ["user.*"]),
        ("secret", "whsec_" + "A" * 32),
        ("headers", {"X-A": "2"}),
        ("timeout_ms", 2_000),
        ("retry_schedule", ["5s"]),
        ("description", "other"),
        ("metadata", {"a": "2"}),
    ],
)
def test_another_create_is_refused_by_its_field(keep, rules, field, value):
    """The field is named; what it held is not, since it may be a secret."""
    kept = keep(secret=SECRET, headers={"X-A": "1"}, metadata={"a": "1"})
    first = {"secret": SECRET, "headers": {"X-A": "1"}, "metadata": {"a": "1"}}
    other = EndpointDraft(**draft(**{"uid": "mine", **first, field: value}))
    with pytest.raises(Conflict, match=f": {field}: ") as refused:
        require_same(kept, other, rules=rules)
    assert SECRET not in str(refused.value)


def test_a_field_that_is_newer_than_the_create_has_its_default(keep, rules):
    """A create sent again after an upgrade is still the same."""
    kept = keep()
    texts = rules.open_headers(kept.note.draft, "ep_1")
    older = {name: text for name, text in texts.items() if name != "batch"}
    note = replace(kept.note, draft=rules.seal_headers(older, "ep_1"))
    kept = replace(kept, note=note)
    require_same(kept, EndpointDraft(**draft(uid="mine")), rules=rules)
    other = EndpointDraft(**draft(uid="mine", batch={"count_max": 2}))
    with pytest.raises(Conflict, match=": batch: "):
        require_same(kept, other, rules=rules)


def test_what_it_was_created_from_is_sealed(keep):
    """It holds headers and secret."""
    kept = keep(secret=SECRET, headers={"X-A": "billing"})
    assert SECRET[6:].encode() not in kept.note.draft.sealed
    assert b"billing" not in kept.note.draft.sealed


def test_a_draft_that_does_not_open_is_a_conflict(keep, rules):
    """Its sealing key is gone: nobody can say whether it is the same."""

    def closed(_sealed, _endpoint_id):
        raise BrokenContract("key gone")

    object.__setattr__(rules, "open_headers", closed)
    with pytest.raises(Conflict, match=": uid: "):
        require_same(keep(), EndpointDraft(**draft(uid="mine")), rules=rules)


def test_without_a_uid_nothing_is_remembered(rules):
    """Nobody can send it again."""
    assert first_note(EndpointDraft(**draft()), "ep_1", rules=rules).draft is None


def test_a_note_changes_by_what_is_sent(keep):
    """Absent stays; metadata is replaced as a whole, and both can be emptied."""
    note = keep(description="first", metadata={"a": "1"}).note
    assert changed_note(note, EndpointChange(timeout_ms=2_000)) == note
    emptied = changed_note(note, EndpointChange(description="", metadata={}))
    assert (emptied.description, emptied.metadata, emptied.uid) == ("", {}, "mine")
