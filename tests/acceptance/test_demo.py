"""`hooklane demo` as a user runs it."""

import re
import subprocess

import pytest

from support.stack import HOOKLANE

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


def test_the_demo_shows_the_whole_path_and_ends_well():
    """Exit code 0; retries at their tiers, dead letters, a redrive, and every signature good."""
    done = subprocess.run(
        [HOOKLANE, "demo"], capture_output=True, text=True, check=False, timeout=290
    )
    assert done.returncode == 0, done.stderr
    story = done.stdout
    assert len(re.findall(r"^endpoint  (healthy|flaky|broken) ", story, re.MULTILINE)) == 3
    published = re.findall(r"^published (\S+) +v(\d)  evt_", story, re.MULTILINE)
    assert sorted(published) == [
        ("order.created", "1"),
        ("order.created", "2"),
        ("user.registered", "1"),
    ]
    assert "healthy   got all 3 at once" in story
    assert len(re.findall(r"attempt \d  500  rejected +→ retry, due ", story)) >= 4
    assert "→ dead (exhausted)" in story
    assert "broken    got all 3; no dead letter is left:" in story
    tailed = re.findall(
        r"^  \d\d:\d\d:\d\d\.\d{3}  \S+ v\d +attempt \d .* ep_\w+  evt_\w+$", story, re.MULTILINE
    )
    assert len(tailed) == 4
    assert "27 attempts shown by hooklane tail, each once" in story
    assert "not matched: The endpoint was created at " in story
    assert "late      got all 3" in story
    assert "matched: A replay brought it later." in story
    assert re.search(r"attempt 1 \(replay\)  200  succeeded +→ delivered", story)
    # Three to the healthy one, three times three to each of the others, three redriven, three
    # replayed.
    verified = re.search(r"(\d+) of (\d+) requests verified by .*standardwebhooks", story)
    assert verified is not None
    assert verified.groups() == ("27", "27")
    assert re.search(r"^Done\. \d+ s downloading, \d+ s of its own\.$", story, re.MULTILINE)
