"""What callers send about replays is judged, and what they get is whole."""

import pytest
from pydantic import ValidationError

from hooklane.adapters.replay_store import KeptReplay, SourceRange
from hooklane.control.again_models import ReplayDraft, ReplayPage, replay_answer
from support.deliveries import START


def test_a_dry_run_has_no_id():
    """Nothing was asked."""
    replay = KeptReplay(
        replay_id="cmd_a",
        endpoint_id="ep_a",
        tenant="acme",
        created_at=START,
        ranges=(SourceRange("events.order", 0, 5, 9),),
    )

    dry = replay_answer(replay, dry_run=True)

    assert (dry.id, dry.dry_run, dry.total) == (None, True, 4)
    assert replay_answer(replay).id == "cmd_a"


def test_the_examples_are_answers():
    """As the API's description shows them."""
    (example,) = ReplayPage.model_config["json_schema_extra"]["examples"]
    assert ReplayPage.model_validate(example).model_dump() == example
    for draft in ReplayDraft.model_config["json_schema_extra"]["examples"]:
        assert ReplayDraft.model_validate(draft).endpoint_id.startswith("ep_")


@pytest.mark.parametrize("topic", ["", "a b", "events/x", "events.ä", "\0"])
def test_a_name_that_no_topic_has_is_refused(topic):
    """Before anybody is asked."""
    with pytest.raises(ValidationError):
        ReplayDraft(endpoint_id="ep_a", topic=topic)
