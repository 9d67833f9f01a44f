"""What callers note of an endpoint: their own name for it, a description, their own texts.

An endpoint that was created under a `uid` remembers, sealed, what it was created from: the same
create sent again, after an answer that was lost, gets the endpoint and makes no second one.
"""

from __future__ import annotations

import json
from dataclasses import replace

from hooklane.adapters.store import EndpointNote, KeptEndpoint
from hooklane.control.drafts import Rules
from hooklane.control.requests import EndpointChange, EndpointDraft
from hooklane.domain.errors import BrokenContract, Conflict


def first_note(draft: EndpointDraft, endpoint_id: str, *, rules: Rules) -> EndpointNote:
    """Give the note of a new endpoint."""
    # Its headers and secret are in it: sealed as headers are.
    sealed = None if draft.uid is None else rules.seal_headers(_texts(draft), endpoint_id)
    return EndpointNote(
        uid=draft.uid, description=draft.description, metadata=draft.metadata, draft=sealed
    )


def changed_note(note: EndpointNote, change: EndpointChange) -> EndpointNote:
    """Give the note after a change."""
    return replace(
        note,
        description=note.description if change.description is None else change.description,
        metadata=note.metadata if change.metadata is None else change.metadata,
    )


def require_same(kept: KeptEndpoint, draft: EndpointDraft, *, rules: Rules) -> None:
    """Refuse a create under a uid that was used for another.

    Raises:
        Conflict: a field differs; it is named, its values are not.
    """
    endpoint_id, sealed = kept.endpoint.endpoint_id, kept.note.draft
    taken = f"uid: {draft.uid!r} is endpoint {endpoint_id}'s"
    try:
        first = {} if sealed is None else rules.open_headers(sealed, endpoint_id)
    except BrokenContract:
        raise Conflict(f"{taken}, and what that was created from can't be read any more") from None
    for name, text in _texts(draft).items():
        # A field that did not exist then had the value that it has where it is left out.
        if first.get(name, _unsaid(name)) != text:
            raise Conflict(f"{name}: differs from what was first sent with this uid; {taken}")


def _unsaid(name: str) -> str | None:
    field = EndpointDraft.model_fields[name]
    if field.is_required():
        return None
    return json.dumps(field.get_default(call_default_factory=True))


def _texts(draft: EndpointDraft) -> dict[str, str]:
    return {name: json.dumps(value, sort_keys=True) for name, value in draft.model_dump().items()}
