"""From what a caller asks to the next revision of an endpoint: pure, but for sealing.

Every refusal is one sentence that names the field and the rule; nothing is written before all of
a request has been judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hooklane.control.batches import batch_of, batchable, changed_batch
from hooklane.control.requests import EndpointChange, EndpointDraft, RotateDraft
from hooklane.control.rotation import with_newest
from hooklane.domain.endpoint import (
    Cause,
    Endpoint,
    EndpointState,
    Order,
    Placement,
    SealedHeaders,
    SealedSecret,
    next_state,
)
from hooklane.domain.errors import Conflict, Invalid, NotFound
from hooklane.domain.retry import DEFAULT_SCHEDULE, Schedule, parse_delay, schedule
from hooklane.domain.signature import new_secret, secret_key
from hooklane.domain.sources import TENANT_PATTERN
from hooklane.domain.subscription import Subscription, subscription

URL_CHARACTERS_MAX = 2_048
HEADERS_MAX = 20
HEADERS_BYTES_MAX = 8_192

# Raises ValueError, in one sentence, for a URL or a header that could not be sent.
CheckTarget = Callable[[str, Mapping[str, str]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What judging a draft needs from the deployment."""

    tiers: Sequence[timedelta]
    rotation_overlap: timedelta
    check_target: CheckTarget
    seal_secret: Callable[[str, str], SealedSecret]
    seal_headers: Callable[[Mapping[str, str], str], SealedHeaders]
    open_headers: Callable[[SealedHeaders, str], Mapping[str, str]]
    lane: Callable[[str], str]


def tenant_name(name: str) -> str:
    """Check a new tenant's name.

    Raises:
        Invalid: it is not 1 to 63 lower-case letters, digits, `_`, `.` or `-`.
    """
    if re.fullmatch(TENANT_PATTERN, name) is None:
        raise Invalid(
            f"name: {name[:80]!r} is not 1 to 63 lower-case letters, digits, _, . or -, "
            "beginning with a letter or digit"
        )
    return name


def first_revision(draft: EndpointDraft, endpoint_id: str, *, rules: Rules) -> tuple[Endpoint, str]:
    """Build an endpoint, and give its secret as written.

    Raises:
        Invalid: a field breaks its rule; it is named.
    """
    url = checked_url(draft.url)
    headers = checked_headers(draft.headers)
    _check_target(url, headers, rules)
    secret = checked_secret(draft.secret) if draft.secret is not None else new_secret()
    endpoint = Endpoint(
        endpoint_id=endpoint_id,
        tenant=draft.tenant,
        revision=1,
        state=EndpointState.ACTIVE,
        url=url,
        subscription=_subscription(draft.subscription),
        secrets=(rules.seal_secret(secret, endpoint_id),),
        sealed_headers=rules.seal_headers(headers, endpoint_id) if headers else None,
        timeout=timedelta(milliseconds=draft.timeout_ms),
        retry_schedule=_schedule(draft.retry_schedule, rules),
        order=_order(draft.order),
        placement=Placement(topic=rules.lane(endpoint_id), partition=0),
        batch=batch_of(draft.batch),
        rate_per_s=draft.rate_per_s,
        in_flight_max=draft.in_flight_max,
    )
    return batchable(endpoint), secret


def changed_revision(
    endpoint: Endpoint, change: EndpointChange, *, rules: Rules, now: datetime
) -> Endpoint:
    """Build the next revision from the fields that were sent.

    Raises:
        NotFound: the endpoint is deleted.
        Invalid: a field breaks its rule, or none was sent.
        Conflict: too many secrets would sign at once, or its order would change.
    """
    require_kept(endpoint)
    if not change.model_fields_set:
        raise Invalid("the body names no field to change")
    url = endpoint.url if change.url is None else checked_url(change.url)
    headers = _headers_of(endpoint, rules)
    sealed = endpoint.sealed_headers
    if change.headers is not None:
        headers = checked_headers(change.headers)
        sealed = rules.seal_headers(headers, endpoint.endpoint_id) if headers else None
    _check_target(url, headers, rules)
    patterns, delays = change.subscription, change.retry_schedule
    changed = replace(
        endpoint,
        revision=endpoint.revision + 1,
        url=url,
        sealed_headers=sealed,
        subscription=endpoint.subscription if patterns is None else _subscription(patterns),
        secrets=_secrets(endpoint, change.secret, rules, now=now),
        timeout=endpoint.timeout
        if change.timeout_ms is None
        else timedelta(milliseconds=change.timeout_ms),
        retry_schedule=endpoint.retry_schedule if delays is None else _schedule(delays, rules),
        order=endpoint.order if change.order is None else _kept_order(endpoint, change.order),
        batch=changed_batch(endpoint.batch, change.batch),
        rate_per_s=_limit(endpoint.rate_per_s, change.rate_per_s),
        in_flight_max=_limit(endpoint.in_flight_max, change.in_flight_max),
    )
    return batchable(changed)


def rotated_revision(
    endpoint: Endpoint, draft: RotateDraft, *, rules: Rules, now: datetime
) -> tuple[Endpoint, str]:
    """Build the next revision, under a new secret; give that as written.

    Raises:
        NotFound: the endpoint is deleted.
        Invalid: the secret breaks its rule.
        Conflict: too many secrets would sign at once.
    """
    require_kept(endpoint)
    secret = checked_secret(draft.secret) if draft.secret is not None else new_secret()
    newest = rules.seal_secret(secret, endpoint.endpoint_id)
    seconds = draft.overlap_s
    overlap = rules.rotation_overlap if seconds is None else timedelta(seconds=seconds)
    secrets = with_newest(endpoint, newest, overlap=overlap, now=now)
    return replace(endpoint, revision=endpoint.revision + 1, secrets=secrets), secret


def moved_revision(endpoint: Endpoint, cause: Cause, *, reason: str = "") -> Endpoint:
    """Build the next revision after a change of state.

    Raises:
        NotFound: the endpoint is deleted.
        Conflict: the state machine has no such step.
    """
    require_kept(endpoint)
    return replace(
        endpoint,
        revision=endpoint.revision + 1,
        state=next_state(endpoint.state, cause),
        state_reason=reason,
    )


def require_kept(endpoint: Endpoint) -> None:
    """Refuse what is deleted.

    Raises:
        NotFound: the endpoint is deleted.
    """
    if endpoint.state is EndpointState.DELETED:
        raise NotFound(f"endpoint {endpoint.endpoint_id} is deleted")


def checked_url(url: str) -> str:
    """Check an endpoint's URL; its address is judged at every connect, not here.

    Raises:
        Invalid: it is too long or has a fragment.
    """
    if len(url) > URL_CHARACTERS_MAX:
        raise Invalid(f"url: has {len(url)} characters, more than {URL_CHARACTERS_MAX}")
    if not url.lower().startswith(("http://", "https://")):
        raise Invalid(f"url: {url[:80]!r} does not begin with http:// or https://")
    if "#" in url:
        raise Invalid("url: has a fragment (#…), which no receiver would see")
    return url


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Check the size of custom headers.

    Raises:
        Invalid: there are too many or they are too long.
    """
    if len(headers) > HEADERS_MAX:
        raise Invalid(f"headers: there are {len(headers)}, more than {HEADERS_MAX}")
    size = sum(len(name) + len(value) for name, value in headers.items())
    if size > HEADERS_BYTES_MAX:
        raise Invalid(f"headers: have {size} characters, more than {HEADERS_BYTES_MAX}")
    return dict(headers)


def checked_secret(secret: str) -> str:
    """Check a secret that was given.

    Raises:
        Invalid: it is no Standard Webhooks secret. It is not repeated.
    """
    try:
        secret_key(secret)
    except Invalid as error:
        raise Invalid(f"secret: {error.detail}") from None
    return secret


def _secrets(
    endpoint: Endpoint, secret: str | None, rules: Rules, *, now: datetime
) -> tuple[SealedSecret, ...]:
    if secret is None:
        return endpoint.secrets
    newest = rules.seal_secret(checked_secret(secret), endpoint.endpoint_id)
    return with_newest(endpoint, newest, overlap=rules.rotation_overlap, now=now)


def _headers_of(endpoint: Endpoint, rules: Rules) -> dict[str, str]:
    sealed = endpoint.sealed_headers
    return {} if sealed is None else dict(rules.open_headers(sealed, endpoint.endpoint_id))


def _check_target(url: str, headers: Mapping[str, str], rules: Rules) -> None:
    try:
        rules.check_target(url, {})
    except ValueError as error:
        raise Invalid(f"url: {error}") from None
    try:
        rules.check_target(url, headers)
    except ValueError as error:
        raise Invalid(f"headers: {error}") from None


def _subscription(patterns: Sequence[str]) -> Subscription:
    try:
        return subscription(patterns)
    except Invalid as error:
        raise Invalid(f"subscription: {error.detail}") from None


def _schedule(delays: Sequence[str] | None, rules: Rules) -> Schedule:
    try:
        if delays is None:
            tiers = set(rules.tiers)
            return tuple(delay for delay in DEFAULT_SCHEDULE if delay in tiers) or tuple(
                sorted(tiers)
            )
        return schedule([parse_delay(text) for text in delays], tiers=rules.tiers)
    except Invalid as error:
        raise Invalid(f"retry_schedule: {error.detail}") from None


def _limit(kept: int | None, asked: int | None) -> int | None:
    return kept if asked is None else asked or None


def _order(order: str) -> Order:
    try:
        return Order(order)
    except ValueError:
        raise Invalid(f"order: {order[:40]!r} is neither none nor key") from None


def _kept_order(endpoint: Endpoint, order: str) -> Order:
    # What is under way was begun in the one order, and could not be ended in the other.
    if _order(order) is not endpoint.order:
        raise Conflict(
            f"order: endpoint {endpoint.endpoint_id} has order {endpoint.order.value} from its "
            "creation on; create another endpoint"
        )
    return endpoint.order
