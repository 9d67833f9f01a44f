"""The runbook's table against the metrics that exist."""

import re

from prometheus_client import REGISTRY

from hooklane.adapters import metrics
from tidy.sources import ROOT

ROW = re.compile(r"^\| `(hooklane_\w+)` \|", re.MULTILINE)


def test_the_runbook_lists_every_metric_and_no_other():
    """An operator finds what is measured, and what to do about it."""
    assert metrics.__doc__
    declared = {family.name for family in REGISTRY.collect() if family.name.startswith("hooklane_")}
    text = (ROOT / "k8s" / "RUNBOOK.md").read_text(encoding="utf-8")
    assert declared == set(ROW.findall(text))
