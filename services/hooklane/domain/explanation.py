"""Why an endpoint got an event, or did not.

The receipt says who was matched; the endpoint's revision in force at the receipt's `table_offset`
says why. Nothing is guessed: where a fact is not recorded, the verdict is UNKNOWN and says which.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hooklane.domain.endpoint import EndpointState
from hooklane.domain.matching import REFUSED_BECAUSE
from hooklane.domain.subscription import Subscription


class Finding(enum.Enum):
    """What became of the event for the endpoint, when it was matched."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Why(enum.Enum):
    """The one reason behind a finding."""

    SUBSCRIBED = "subscribed"
    ASKED_AGAIN = "asked_again"
    ATTEMPTED = "attempted"
    TYPE_NOT_SUBSCRIBED = "type_not_subscribed"
    ENDPOINT_DISABLED = "endpoint_disabled"
    ENDPOINT_DELETED = "endpoint_deleted"
    ENDPOINT_WITHOUT_LANE = "endpoint_without_lane"
    REFUSED = "refused"
    CREATED_LATER = "created_later"
    NOT_EFFECTIVE_YET = "not_effective_yet"
    OTHER_TENANT = "other_tenant"
    EVENT_REJECTED = "event_rejected"
    NO_RECEIPT = "no_receipt"
    REVISION_NOT_KEPT = "revision_not_kept"
    NOT_RECORDED_YET = "not_recorded_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRevision:
    """A revision an endpoint had; `position` is where the endpoint table has it, if published."""

    revision: int
    state: EndpointState
    state_reason: str
    subscription: Subscription
    created_at: datetime
    position: int | None

    def takes(self, event_type: str) -> bool:
        """Tell whether an event of this type is matched under it."""
        return self.subscription.wants(event_type) and self.state not in REFUSED_BECAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one event's receipts say of one endpoint; `refusal` is its reason among the refused."""

    tenant: str
    event_type: str
    event_time: datetime
    table_offset: int
    matched: bool
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the endpoint: its tenant, and its revisions around the receipt.

    `in_force` is the revision at the receipt's table offset, `oldest` the first one that is kept,
    `later` those after the one in force (all, where none was), oldest first.
    """

    tenant: str
    in_force: KnownRevision | None = None
    oldest: KnownRevision | None = None
    later: Sequence[KnownRevision] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A finding, its reason, and a sentence that says both to people."""

    finding: Finding
    why: Why
    sentence: str


def explain(seen: Seen | None, known: Known) -> Explanation:
    """Say why the endpoint got the event, or not; `seen` is None where no receipt is recorded."""
    if seen is None:
        return _unknown(
            Why.NO_RECEIPT,
            "No receipt of this event is recorded: there is no such event, or it matched no "
            "endpoint at all, or the recorder has not come to it yet, or its retention is over.",
        )
    if seen.tenant != known.tenant:
        return _not_matched(
            Why.OTHER_TENANT,
            f"The event is of tenant {seen.tenant}, the endpoint of tenant {known.tenant}.",
        )
    if seen.matched:
        return _matched(seen, known.in_force)
    pending = _pending(seen, known)
    if pending is not None:
        return pending
    if seen.refusal is not None:
        return _refused(seen.refusal, known.in_force)
    if known.in_force is None:
        return _before_the_first(seen, known.oldest)
    return _unlisted(seen, known.in_force)


def _matched(seen: Seen, revision: KnownRevision | None) -> Explanation:
    sentence = f"The receipt lists the endpoint for {seen.event_type}"
    if revision is not None:
        wanted = ", ".join(revision.subscription.patterns)
        sentence += f": its subscription was {wanted} (revision {revision.revision})"
        if revision.state is EndpointState.PAUSED:
            sentence += ", and it was paused, so that the delivery was held"
    return Explanation(finding=Finding.MATCHED, why=Why.SUBSCRIBED, sentence=f"{sentence}.")


def _pending(seen: Seen, known: Known) -> Explanation | None:
    # What people had asked for before the event, though no matcher had read it.
    asked = [later for later in known.later if later.created_at <= seen.event_time]
    if not asked or not asked[-1].takes(seen.event_type):
        return None
    revision = asked[-1]
    return _not_matched(
        Why.NOT_EFFECTIVE_YET,
        f"Revision {revision.revision} takes {seen.event_type} and was written at "
        f"{_at(revision.created_at)}, before the event, but was not effective yet: "
        "the matcher had not read it.",
    )


_REFUSALS = {
    "endpoint_disabled": (Why.ENDPOINT_DISABLED, "was disabled then"),
    "endpoint_deleted": (Why.ENDPOINT_DELETED, "was deleted then"),
    "endpoint_without_lane": (Why.ENDPOINT_WITHOUT_LANE, "had no lane then"),
}


def _refused(reason: str, revision: KnownRevision | None) -> Explanation:
    why, words = _REFUSALS.get(reason, (Why.REFUSED, f"was refused it: {reason}"))
    sentence = f"The endpoint {words}"
    if revision is not None:
        because = f", because: {revision.state_reason}" if revision.state_reason else ""
        sentence += f" (revision {revision.revision}{because})"
    return _not_matched(why, f"{sentence}.")


def _before_the_first(seen: Seen, oldest: KnownRevision | None) -> Explanation:
    if oldest is None or oldest.revision > 1:
        kept = "none" if oldest is None else f"none older than {oldest.revision}"
        return _unknown(
            Why.REVISION_NOT_KEPT,
            f"The receipt does not list the endpoint, and of the endpoint's revisions {kept} "
            "is kept that was known when the event was matched.",
        )
    return _not_matched(
        Why.CREATED_LATER,
        f"The endpoint was created at {_at(oldest.created_at)}, after the event of "
        f"{_at(seen.event_time)} was matched; a replay can bring it.",
    )


def _unlisted(seen: Seen, revision: KnownRevision) -> Explanation:
    if revision.takes(seen.event_type):
        return _unknown(
            Why.NOT_RECORDED_YET,
            f"Revision {revision.revision} takes {seen.event_type}, but what is recorded of the "
            "receipt does not list the endpoint: a part of it, or where a later revision begins, "
            "is not recorded yet.",
        )
    if not revision.subscription.wants(seen.event_type):
        wanted = ", ".join(revision.subscription.patterns)
        return _not_matched(
            Why.TYPE_NOT_SUBSCRIBED,
            f"The endpoint's subscription was {wanted} (revision {revision.revision}), which does "
            f"not cover {seen.event_type}.",
        )
    return _refused(REFUSED_BECAUSE[revision.state], revision)


def asked_again(trigger: str, first: Explanation) -> Explanation:
    """Say that a later resend or replay brought what the first matching did not."""
    return Explanation(
        finding=Finding.MATCHED,
        why=Why.ASKED_AGAIN,
        sentence=f"A {trigger} brought it later. At first: {first.sentence}",
    )


def attempted(trigger: str) -> Explanation:
    """Say that there is a delivery, though the receipt that made it is not recorded."""
    return Explanation(
        finding=Finding.MATCHED,
        why=Why.ATTEMPTED,
        sentence=f"Attempts of a delivery by {trigger} are recorded, its receipt is not or no "
        "longer: the endpoint was matched, and why is not known any more.",
    )


def rejected(where: str, reason: str) -> Explanation:
    """Say that the record at a source position was set aside before any matching."""
    return Explanation(
        finding=Finding.REJECTED,
        why=Why.EVENT_REJECTED,
        sentence=f"The record at {where} was rejected and matched to nobody: {reason}",
    )


def _not_matched(why: Why, sentence: str) -> Explanation:
    return Explanation(finding=Finding.NOT_MATCHED, why=why, sentence=sentence)


def _unknown(why: Why, sentence: str) -> Explanation:
    return Explanation(finding=Finding.UNKNOWN, why=why, sentence=sentence)


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
