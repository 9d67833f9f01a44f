from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.control.drafts import first_revision
from hooklane.control.requests import EndpointDraft
from hooklane.control.rotation import SECRETS_MAX, drop_ended, with_newest
from hooklane.domain.endpoint import SealedSecret
from hooklane.domain.errors import Conflict
from support.control import draft

DAY = timedelta(days=1)
NEWEST = SealedSecret(key_id="k1", sealed=b"newest")


@pytest.fixture
def now(bench):
    return bench.clock.now()


@pytest.fixture
def endpoint(bench):
    made, _ = first_revision(EndpointDraft(**draft()), "ep_1", rules=bench.desk.rules)
    return made


def test_an_overlap_of_nothing_leaves_the_newest_alone(endpoint, now):
    """Somebody else has the old one: it signs nothing more."""
    assert with_newest(endpoint, NEWEST, overlap=timedelta(0), now=now) == (NEWEST,)


def test_an_overlap_shortens_and_never_lengthens(endpoint, now):
    """What was to end sooner still does."""
    first = replace(endpoint, secrets=with_newest(endpoint, NEWEST, overlap=DAY, now=now))
    later = with_newest(first, NEWEST, overlap=10 * DAY, now=now)
    assert [None, now + 10 * DAY, now + DAY] == [secret.valid_until for secret in later]
    sooner = with_newest(first, NEWEST, overlap=DAY / 2, now=now)
    assert [None, now + DAY / 2, now + DAY / 2] == [secret.valid_until for secret in sooner]


def test_ten_secrets_sign_and_no_eleventh(endpoint, now):
    """The refusal names the way out, and an overlap of nothing is one."""
    for _ in range(SECRETS_MAX - 1):
        endpoint = replace(endpoint, secrets=with_newest(endpoint, NEWEST, overlap=DAY, now=now))
    with pytest.raises(Conflict, match="overlap_s 0"):
        with_newest(endpoint, NEWEST, overlap=DAY, now=now)
    assert len(with_newest(endpoint, NEWEST, overlap=timedelta(0), now=now)) == 1


def test_secrets_past_their_overlap_drop_out(endpoint, now):
    """Those that still sign stay, in their order."""
    rotated = replace(endpoint, secrets=with_newest(endpoint, NEWEST, overlap=DAY, now=now))
    assert drop_ended(rotated, now=now) is rotated
    assert drop_ended(rotated, now=now + DAY).secrets == (NEWEST,)
