"""Sources are JSON, and what is wrong with them is said."""

import pytest

from hooklane.adapters.settings import load
from hooklane.domain.errors import Misconfigured
from hooklane.domain.sources import Source
from hooklane.matcher.settings import FanoutGuarantee, MatcherSettings


def test_by_default_every_events_topic_is_a_source():
    """Of any tenant that is named."""
    settings = load(MatcherSettings, {})
    assert [s.source() for s in settings.sources] == [Source(pattern="events.*")]
    assert settings.fanout_guarantee is FanoutGuarantee.EXACTLY_ONCE


def test_sources_are_read_from_json():
    """With their tenants."""
    text = '[{"pattern": "a.*", "tenants": ["x"], "default_tenant": "x"}]'
    settings = load(MatcherSettings, {"HOOKLANE_MATCHER_SOURCES": text})
    expected = Source(pattern="a.*", tenants=("x",), default_tenant="x")
    assert [s.source() for s in settings.sources] == [expected]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOURCES", '[{"patern": "a"}]'),
        ("SOURCES", '[{"pattern": ""}]'),
        ("SOURCES", '[{"pattern": "a", "tenants": []}]'),
        ("FANOUT_GUARANTEE", "twice"),
        ("SORCES", "[]"),
    ],
)
def test_what_is_wrong_is_refused(name, value):
    """The variable is named."""
    with pytest.raises(Misconfigured, match=f"HOOKLANE_MATCHER_{name}"):
        load(MatcherSettings, {f"HOOKLANE_MATCHER_{name}": value})
